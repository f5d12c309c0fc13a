"""`hookagent rules import`."""

import json

PATTERN = '{"source": ["aws.s3"], "detail": {"size": [{"numeric": [">", 5]}]}}'


def test_a_pattern_becomes_a_rule_and_each_line_is_told(folder, run):
    (folder / "p.json").write_text(PATTERN)

    code, out, err = run("rules", "import", "p.json")

    assert code == 0
    assert '"detail.size" = { gt = 5 }' in out
    assert "detail.size → detail.size = { gt = 5 }" in err


def test_what_is_lost_is_told_and_exits_1(folder, run):
    (folder / "hooks.json").write_text(
        '[{"id": "a", "execute-command": "x", "response-message": "ok"}]'
    )

    code, out, err = run("rules", "import", "hooks.json", "--out", "a.toml")

    assert (code, out) == (1, "")
    assert 'command = ["x"]' in (folder / "a.toml").read_text()
    assert "response-message → not carried over" in err


def test_yaml_is_read_where_the_name_says_so(folder, run):
    (folder / "hooks.yaml").write_text("- id: a\n  execute-command: x\n")

    assert "[rule.a]" in run("rules", "import", "hooks.yaml")[1]
    (folder / "bad.yml").write_text("a: [")
    assert run("rules", "import", "bad.yml")[0] == 2


def test_a_filter_can_be_named_and_json(folder, run):
    (folder / "f.json").write_text('{"a": 1}')

    code, out, _ = run(
        "rules", "import", "f.json", "--format", "hookdeck", "--name", "mine", "--json"
    )

    assert code == 0
    assert "[rule.mine]" in json.loads(out)["text"]


def test_what_cannot_be_imported_says_why(folder, run):
    (folder / "f.json").write_text('{"a": 1}')
    (folder / "p.json").write_text('{"a": [{"prefx": "x"}]}')

    assert "give --format" in run("rules", "import", "f.json")[2]
    assert "there is no matcher `prefx`" in run("rules", "import", "p.json")[2]
    assert run("rules", "import", "p.json")[0] == 2
    assert run("rules", "import", "no.json")[0] == 4
