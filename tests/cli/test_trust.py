"""`hookagent trust`."""

import json

from hookagent.config.trust import users_registry


def test_the_configuration_is_trusted_until_it_changes(configured, run):
    file = configured / "hookagent.toml"

    code, out, err = run("trust")
    assert (code, out) == (0, "")
    assert "may start programs until it is changed" in err
    assert users_registry().is_trusted(file)

    file.write_text("# changed\n")
    assert not users_registry().is_trusted(file)


def test_trust_is_taken_back(configured, run):
    run("trust")

    code, out, _ = run("trust", "--forget", "--json")

    assert code == 0
    assert json.loads(out) == {"file": str(configured / "hookagent.toml"), "trusted": False}
    assert not users_registry().is_trusted(configured / "hookagent.toml")
    assert "was not trusted" in run("trust", "--forget")[2]


def test_a_file_that_is_not_there_is_four(folder, run):
    assert run("trust", "nope.toml")[0] == 4
    assert run("trust")[0] == 4


def test_a_registry_that_cannot_be_written_is_five(configured, run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))

    assert run("trust")[0] == 5


def test_what_rules_start_is_shown_and_allowed(configured, run):
    (configured / "rules").mkdir()
    (configured / "rules" / "a.toml").write_text(
        '[rule.a]\n[[rule.a.do]]\naction = "exec"\ncommand = ["./go", "\\u001b[2J"]\n'
    )

    code, _, err = run("trust")

    assert code == 0
    assert "may start: ./go" in err
    assert "\x1b" not in err
    assert users_registry().refused(configured, ["./go '\x1b[2J'", "./stop"]) == ["./stop"]

    run("trust", "--forget")
    assert users_registry().refused(configured, ["./go '\x1b[2J'"])
