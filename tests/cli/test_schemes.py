"""`hookagent schemes`."""

import json
import tomllib

import pytest

from tests.providers.kit import scheme_names


def test_the_catalogue_is_listed_one_line_each(run):
    code, out, err = run("schemes")

    assert (code, err) == (0, "")
    assert any(line.startswith("github\tcode\tGitHub\t") for line in out.splitlines())


def test_it_can_be_searched(run):
    code, out, _ = run("schemes", "--search", "STRIPE payments")

    assert code == 0
    assert [line.partition("\t")[0] for line in out.splitlines()] == ["stripe"]


def test_a_search_that_finds_nothing_says_so(run):
    code, out, err = run("schemes", "--search", "no-such-thing")

    assert (code, out) == (0, "")
    assert "no-such-thing" in err


def test_one_scheme_is_shown_with_a_block_and_a_line_to_sign(run):
    code, out, _ = run("schemes", "stripe")

    assert code == 0
    block = out.partition("In hookagent.toml\n")[2].partition("\n\n")[0]
    assert tomllib.loads(block)["sources"]["stripe"]["scheme"] == "stripe"
    assert "hookagent sign --source stripe" in out
    assert "signature in: header `Stripe-Signature`" in out


def test_a_scheme_that_is_completed_by_the_source_is_shown(run):
    code, out, _ = run("schemes", "token")

    assert code == 0
    assert 'header = "X-Webhook-Token"' in out


def test_json_says_the_same(run):
    _, out, _ = run("schemes", "--json")
    listed = {one["name"]: one for one in map(json.loads, out.splitlines())}
    assert listed["github"]["schemes"]

    code, out, _ = run("schemes", "github", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["scheme"] == "github"
    assert found["sign"][:2] == ["hookagent", "sign"]
    assert {"name": "algorithm", "value": "hmac-sha256"} in found["facts"]


def test_an_unknown_scheme_is_four_with_the_nearest(run):
    assert run("schemes", "githbu") == (
        4,
        "",
        "hookagent: error: no scheme `githbu`\nhint: did you mean `github`?\n",
    )


def test_everything_that_is_known_of_a_provider_is_shown(run):
    _, out, _ = run("schemes", "zoom")

    for shown in (
        "timestamp in: header `x-zm-request-timestamp`, 300 s off at most",
        "signed: v0:{timestamp}:{body}",
        "secret: the text as it is",
        "event id: none",
        "event type: event",
        "body: JSON",
        "handshake: hmac-json: a POST with a challenge is answered with its signature",
        "wants: HTTP 200 or 204 within 3 s",
        "retries: Three times",
        "documentation: https://developers.zoom.us/docs/api/webhooks/",
        "hookagent sign --source zoom --event meeting.participant_joined --send",
    ):
        assert shown in out


@pytest.mark.parametrize("name", scheme_names())
def test_every_scheme_is_shown_with_a_block_that_can_be_pasted(name, run):
    code, out, _ = run("schemes", name, "--json")

    found = json.loads(out)
    facts = {one["name"]: one["value"] for one in found["facts"]}
    (source,) = tomllib.loads(found["toml"])["sources"].values()
    assert code == 0
    assert source["scheme"] == name
    assert facts["retries"]
    assert facts["wants"]
    assert found["setup"]
    assert found["sign"]


def test_a_projects_own_schemes_are_listed_and_shown(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hookagent.toml").write_text('schemes_dir = "own"\n')
    (tmp_path / "own").mkdir()
    scheme = '[scheme]\nalgorithm = "hmac-sha256"\nheader = "X-Acme"\n'
    (tmp_path / "own" / "acme.toml").write_text(scheme)

    assert run("schemes", "--search", "acme")[1].startswith("acme\tother\tacme")
    assert 'scheme = "acme"' in run("schemes", "acme")[1]
    assert run("schemes", "acmee")[0] == 4
    (tmp_path / "own" / "acme.toml").write_text("[scheme]\n")
    code, _, err = run("schemes", "github")
    assert code == 3
    assert "acme.toml" in err
