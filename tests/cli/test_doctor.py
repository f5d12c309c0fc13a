"""`hookagent doctor`, whole: its report, its exit code, its JSON."""

import json

import pytest

from hookagent.cli.checks import outside


@pytest.fixture(autouse=True)
def ports(monkeypatch):
    """Free ports of the machine's choice, and no ngrok of whoever runs these tests."""
    monkeypatch.setenv("HOOKAGENT_SERVER_PORT", "0")
    monkeypatch.setenv("HOOKAGENT_INSPECTOR_PORT", "0")
    monkeypatch.setattr(outside, "NGROK_INSPECTOR", ("127.0.0.1", 1))


def checks(out: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for line in out.splitlines():
        one = json.loads(line)
        found.setdefault(one["check"], []).append(one)
    return found


def test_a_good_project_is_done(configured, run):
    code, out, err = run("doctor", "--json")

    assert (code, err) == (0, "")
    found = checks(out)
    assert {"python", "aiohttp", "re2", "keyring", "open-files", "config", "source"} <= set(found)
    assert {"rules", "modes", "store", "clock", "disk", "port", "tunnel"} <= set(found)
    assert not [one for each in found.values() for one in each if one["state"] == "fail"]
    assert found["source"][0]["message"].startswith("shop: /hooks/shop, scheme github, body-signed")


def test_it_makes_nothing(configured, run):
    run("doctor")

    assert [file.name for file in configured.iterdir()] == ["hookagent.toml"]


def test_it_speaks_to_people_with_the_remedy(configured, run):
    (configured / "hookagent.toml").chmod(0o644)

    code, out, _ = run("doctor")

    assert code == 0
    assert "! config: warning: hookagent.toml:5:10: the secret of source `shop` stands here" in out
    assert '  move it to .env and write "${NAME}", or: chmod 600 the file' in out


def test_every_problem_of_the_configuration_is_a_failed_check(configured, run):
    (configured / "hookagent.toml").write_text("a = 1\n[worker]\nconcurrency = 0\n")

    code, out, _ = run("doctor", "--json")

    assert code == 1
    assert [one["state"] for one in checks(out)["config"]] == ["fail", "fail"]


def test_a_broken_rule_fails(configured, run):
    (configured / "rules").mkdir()
    (configured / "rules" / "a.toml").write_text("[rule.a]\nona = 'x'\n")

    code, out, _ = run("doctor", "--json")

    assert code == 1
    assert {one["state"] for one in checks(out)["rules"]} == {"fail"}
    assert all(one["message"].startswith("rules/a.toml:") for one in checks(out)["rules"])
    assert "checks failed" in run("doctor")[2]


def test_a_source_without_verification_is_named(configured, run):
    (configured / "hookagent.toml").write_text('[sources.x]\npath = "/x"\nscheme = "none"\n')

    code, out, _ = run("doctor", "--json")

    assert code == 0
    assert checks(out)["source"][0]["state"] == "warning"


def test_without_a_project_it_says_how_to_begin(folder, run):
    code, out, _ = run("doctor", "--json")

    assert code == 0
    assert checks(out)["config"][0]["hint"] == "hookagent init"


def test_a_tunnel_that_cannot_open_fails(configured, run, monkeypatch):
    monkeypatch.setenv("HOOKAGENT_TUNNEL_PROVIDER", "ngrok")
    monkeypatch.setenv("HOOKAGENT_TUNNEL_BINARY", "/nope/ngrok")
    monkeypatch.setenv("PATH", "/nope")

    code, out, _ = run("doctor", "--json")

    assert code == 1
    assert checks(out)["tunnel"][0]["state"] == "fail"
    assert checks(out)["tunnel"][0]["hint"]
