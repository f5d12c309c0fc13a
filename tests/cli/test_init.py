"""`hookagent init`: what it writes runs, and nothing is overwritten."""

import io
import json
import sys

import pytest

from hookagent.cli import output
from hookagent.config.load import load
from hookagent.pipeline.rulebook import load_rulebook
from hookagent.providers import catalog


def test_what_it_writes_runs(folder, run):
    code, out, err = run("init", "--provider", "github", "--provider", "token")

    assert code == 0
    assert out.splitlines() == [
        "hookagent.toml",
        "rules/github.toml",
        "rules/token.toml",
        "rules/watches.toml",
        ".gitignore",
    ]
    assert err == "next: hookagent serve\n"
    config = load(None, environ={}, cwd=folder)
    assert list(config.sources) == ["github", "token"]
    assert config.warnings == ()
    assert all(source.is_verified and source.secrets for source in config.sources.values())
    assert len(load_rulebook(config.rules, config.folder, config.environment)) == 2
    assert "#" in (folder / "hookagent.toml").read_text()


@pytest.mark.parametrize("name", catalog.names())
def test_every_provider_runs_or_says_what_only_its_user_knows(folder, run, name):
    code, _, err = run("init", "--provider", name)

    if code == 0:
        assert list(load(None, environ={}, cwd=folder).sources) == [name]
    else:
        assert code == 2
        assert "which only you know" in err
        assert not (folder / "hookagent.toml").exists()


def test_nothing_is_overwritten(folder, run):
    (folder / "rules").mkdir()
    (folder / "rules" / "github.toml").write_text("mine")

    code, out, err = run("init", "--provider", "github")

    assert (code, out) == (1, "")
    assert "rules/github.toml is here already, and nothing was written" in err
    assert not (folder / "hookagent.toml").exists()
    assert (folder / "rules" / "github.toml").read_text() == "mine"


def test_a_gitignore_that_is_there_stays(folder, run):
    (folder / ".gitignore").write_text("mine\n")

    assert run("init", "--provider", "github")[0] == 0
    assert (folder / ".gitignore").read_text() == "mine\n"


def test_it_writes_into_another_folder(folder, run):
    code, out, _ = run("init", "new/place", "--provider", "github", "--port", "9000", "--json")

    assert code == 0
    found = json.loads(out)
    assert found["sources"] == ["github"]
    assert "new/place/hookagent.toml" in found["written"]
    config = load(None, environ={}, cwd=folder / "new" / "place")
    assert (config.server.port, config.inspector.port) == (9000, 9001)


def test_the_last_port_leaves_one_for_the_inspector(folder, run):
    run("init", "--provider", "github", "--port", "65535")

    assert load(None, environ={}, cwd=folder).inspector.port == 65534


def test_without_a_terminal_a_provider_must_be_named(folder, run):
    code, _, err = run("init")

    assert code == 2
    assert "no provider is named" in err


def test_on_a_terminal_it_asks(folder, run, monkeypatch):
    monkeypatch.setattr(output, "can_ask", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("github, stripe\n\n"))

    code, out, err = run("init")

    assert code == 0
    assert "rules/stripe.toml" in out
    assert "standard-webhooks" in err


def test_an_unknown_provider_is_four(folder, run):
    assert run("init", "--provider", "githbu")[0] == 4


def test_a_folder_that_cannot_be_written_is_five(folder, run):
    (folder / "file").write_text("")

    assert run("init", "file", "--provider", "github")[0] == 5


def test_a_rule_for_slack_is_offered_and_live_when_asked_for(folder, run):
    run("init", "offered", "--provider", "github")
    code, _, err = run("init", "live", "--provider", "github", "--slack")

    offered = (folder / "offered" / "rules" / "watches.toml").read_text()
    live = (folder / "live" / "rules" / "watches.toml").read_text()
    assert code == 0
    assert "SLACK_URL=https://hooks.slack.com/" in err
    bare = [line.removeprefix("#").strip() for line in offered.splitlines()]
    assert [line for line in live.splitlines() if line and not line.startswith("#")] == [
        line for line in bare if line in live.splitlines() and line
    ]
    (folder / "live" / ".env").write_text("SLACK_URL=https://hooks.slack.com/services/T0/B0/x\n")
    config = load(None, environ={}, cwd=folder / "live")
    book = load_rulebook(config.rules, config.folder, config.environment)
    assert "tell-slack" in book.by_name
    assert [str(pattern) for pattern in book.by_name["tell-slack"].on] == ["hookagent"]


def test_slack_is_asked_about_on_a_terminal(folder, run, monkeypatch):
    monkeypatch.setattr(output, "can_ask", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("token\ny\n"))

    assert run("init")[0] == 0
    assert "\n[rule.tell-slack]" in (folder / "rules" / "watches.toml").read_text()
