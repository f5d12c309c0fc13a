"""`hookagent schemes`."""

import json
import tomllib


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
