"""Where rules come from."""

from hookagent.cli.rules.book import complete_rule


def test_names_of_rules_are_offered(ruled):
    assert complete_rule("b") == ["big"]


def test_completion_never_fails(ruled):
    (ruled / "rules" / "bad.toml").write_text("[")

    assert complete_rule("b") == []


def test_a_rule_file_that_cannot_be_read_is_a_problem(ruled, run):
    (ruled / "rules" / "bad.toml").write_bytes(b"\xff")

    code, _, err = run("rules", "list")

    assert code == 3
    assert "cannot read `rules/bad.toml`: it is not UTF-8 text" in err
