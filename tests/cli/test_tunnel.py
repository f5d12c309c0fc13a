"""`hookagent tunnel`."""

import json

import pytest


@pytest.fixture
def nothing_installed(folder, monkeypatch):
    """Make a machine without any tunnel's program."""
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_what_is_missing_is_said_with_how_to_get_it(run, nothing_installed):
    code, out, err = run("tunnel", "check", "ngrok")

    assert (code, err) == (1, "")
    assert "the ngrok agent is not installed" in out
    assert "https://ngrok.com/download" in out


def test_every_tunnel_is_checked_and_one_that_needs_nothing_is_enough(run, nothing_installed):
    code, out, _ = run("tunnel", "check", "--json")

    found = {line["name"]: line for line in map(json.loads, out.splitlines())}
    assert code == 0
    assert list(found) == ["ngrok", "cloudflared", "ssh", "command", "smee", "gosmee", "svix"]
    assert not found["cloudflared"]["ready"]
    assert found["smee"]["ready"]
    assert set(found["ngrok"]) == {"name", "ready", "code", "detail", "hint"}


def test_the_configured_program_is_looked_at(run, nothing_installed):
    file = nothing_installed / "hookagent.toml"
    file.write_text('[tunnel]\nprovider = "command"\ncommand = ["/bin/echo", "{url}"]\n')

    code, out, _ = run("tunnel", "check", "command")

    assert (code, "/bin/echo" in out) == (0, True)


def test_auto_says_how_to_get_each(run, nothing_installed):
    code, out, _ = run("tunnel", "check", "auto", "--json")

    answer = json.loads(out)
    assert (code, answer["code"]) == (1, "no-tunnel")
    assert all(f"{name}: " in answer["hint"] for name in ("ngrok", "cloudflared", "ssh"))


def test_an_unknown_tunnel_is_named_with_the_nearest(run, nothing_installed):
    code, _, err = run("tunnel", "check", "ngrock")

    assert code == 4
    assert "`ngrok`" in err


def test_it_has_a_help_with_an_example(run):
    code, out, _ = run("tunnel", "check", "--help")

    assert code == 0
    assert "hookagent tunnel check ngrok" in out
