"""Checks of a project's own files."""

from pathlib import Path

from hookagent.cli.checks import project
from hookagent.cli.checks.finding import State
from hookagent.config.load import load
from hookagent.config.model import Config
from hookagent.config.trust import users_registry
from hookagent.pipeline.allowance import HINT

TEXT = """
[sources.a]
path = "/a"
scheme = "github"
secret = "auto"
"""


def config(folder: Path, text: str = TEXT, **flags: str) -> Config:
    (folder / "hookagent.toml").write_text(text)
    named = {name.replace("_", ".", 1): value for name, value in flags.items()}
    return load(None, environ={}, cwd=folder, flags=named)


def states(findings) -> list[tuple[str, str]]:
    return [(finding.check, str(finding.state)) for finding in findings]


def test_files_that_others_can_read_are_named(tmp_path):
    found = config(tmp_path)
    assert states(project.modes(found)) == [("modes", "ok")]

    (tmp_path / ".env").write_text("A=b")
    (tmp_path / ".env").chmod(0o644)
    (tmp_path / ".hookagent" / "secrets").chmod(0o755)
    findings = list(project.modes(found))

    assert [finding.hint for finding in findings] == [
        f"chmod 600 {tmp_path / '.env'}",
        f"chmod 700 {tmp_path / '.hookagent' / 'secrets'}",
    ]


def test_rules_are_counted(tmp_path):
    assert states(project.rules(config(tmp_path))) == [("rules", "warning")]

    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.toml").write_text('on = "a"\n[[do]]\naction = "log"\n')
    (finding,) = project.rules(config(tmp_path))

    assert finding.message == "1 rule"


def test_a_listener_open_to_the_network_behind_a_tunnel_fails(tmp_path):
    assert list(project.undecided(config(tmp_path))) == []

    both = config(tmp_path, server_host="0.0.0.0", tunnel_provider="ngrok")

    assert states(project.undecided(both)) == [("host", "fail")]


def test_commands_nobody_allowed_are_named(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    (folder / "rules").mkdir()
    rule = folder / "rules" / "a.toml"
    rule.write_text('[rule.a]\n[[rule.a.do]]\naction = "exec"\ncommand = ["./go"]\n')
    (folder / "hookagent.toml").write_text("")
    loaded = load(None, environ={}, cwd=folder)

    refused = [one for one in project.rules(loaded) if one.check == "trust"]
    users_registry().allow(folder, ["./go"])
    allowed = [one for one in project.rules(loaded) if one.check == "trust"]

    assert [(one.state, one.hint) for one in refused] == [(State.FAIL, HINT)]
    assert [(one.state, one.message) for one in allowed] == [
        (State.OK, "rules and tunnel start 1 command, allowed")
    ]


def test_the_limits_are_shown(folder):
    (folder / "hookagent.toml").write_text('[server]\nmax_body = "64 KiB"\n')

    found = [one.message for one in project.limits(load(None, environ={}, cwd=folder))]

    assert "body 64 KiB within 10 s" in found[0]
    assert "events kept 30 days" in found[1]
