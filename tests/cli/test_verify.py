"""`hookagent verify`: genuine or not, why not, and what would have made it pass."""

import json

import pytest

from tests.cli.workbench import EVIL, NOW, harmful

SECRET = "an-honest-secret-of-32-characters"


@pytest.fixture
def signed(run, folder):
    """Write a signed event file; returns what changes it."""

    def write(*arguments, **changes):
        _, out, err = run(
            "sign", *(arguments or ("--scheme", "github", "--secret", SECRET)),
            "--data", '{"a": 1}', "--format", "json",
        )  # fmt: skip
        assert not err
        (folder / "event.json").write_text(json.dumps(json.loads(out) | changes))
        return "event.json"

    return write


GITHUB = ["--scheme", "github", "--secret", SECRET]


def test_the_json_form_is_the_contract(run, signed):
    code, out, err = run("verify", signed(), *GITHUB, "--json")

    found = json.loads(out)
    assert (code, err) == (0, "")
    assert (found["valid"], found["scheme"], found["hint"]) == (True, "github", None)
    assert {"reason", "integrity", "secret_index", "code"} <= set(found)


def test_a_person_reads_a_word_beside_the_mark(run, signed):
    good, bad = run("verify", signed(), *GITHUB), run("verify", signed(body="{}"), *GITHUB)

    assert good[1].splitlines()[0].endswith(" genuine")
    assert " not genuine: " in bad[1]
    assert "mend" in bad[1]
    assert (good[0], bad[0]) == (0, 1)


def test_what_nothing_checks_is_not_called_genuine(run, signed):
    code, out, _ = run("verify", signed(), "--scheme", "none")

    assert (code, out) == (0, "? not verified: `none` checks nothing\n")


@pytest.mark.parametrize(
    ("changes", "secret", "word"),
    [
        ({"body": '{"a":1}'}, SECRET, "body"),
        ({}, "another-secret-of-32-characters!!", "secret"),
        ({"headers": []}, SECRET, "X-Hub-Signature-256"),
    ],
)
def test_the_reason_is_named(run, signed, changes, secret, word):
    code, out, _ = run(
        "verify", signed(**changes), "--scheme", "github", "--secret", secret, "--json"
    )

    found = json.loads(out)
    assert (code, found["valid"]) == (1, False)
    assert word.lower() in f"{found['evidence']} {found['hint']}".lower()


def test_several_secrets_are_tried(run, signed):
    _, out, _ = run(
        "verify",
        signed(),
        "--scheme",
        "github",
        "--secret",
        "old-secret-that-was-rotated",
        "--secret",
        SECRET,
        "--json",
    )

    assert json.loads(out)["secret_index"] == 1


def test_time_is_that_of_the_capture_unless_told(run, signed):
    stripe = ("--scheme", "stripe", "--secret", "whsec_abcdefghijklmnop")
    file = signed(*stripe, "--timestamp", str(NOW // 1000))

    late = run("verify", file, *stripe, "--now", str(NOW // 1000 + 3600), "--json")

    assert run("verify", file, *stripe)[0] == 0
    assert (late[0], json.loads(late[1])["code"]) == (1, "timestamp-stale")


def test_stdin_and_a_configured_source_will_do(run, seed, monkeypatch, folder):
    _, out, _ = run("sign", "--source", "shop", "--data", "{}", "--format", "json")
    (folder / "event.json").write_text(out)
    with (folder / "event.json").open() as opened:
        monkeypatch.setattr("sys.stdin", opened)
        code, _, _ = run("verify", "-")

    assert code == 0


def test_stored_events_and_refusals_are_judged_by_their_source(run, seed):
    (event,) = seed.events({"id": 1, "type": EVIL})
    (refused,) = seed.refusals({"id": 2, "note": EVIL})

    good, bad = run("verify", event, "--json"), run("verify", refused)

    assert (good[0], json.loads(good[1])["valid"]) == (0, True)
    assert bad[0] == 1
    assert "header-missing" in bad[1]
    assert harmful(good[1] + bad[1]) == []


def test_a_genuine_delivery_that_was_refused_says_why_all_the_same(run, seed):
    refused = seed.bad_body(b"no json")

    code, out, err = run("verify", refused)

    assert (code, "genuine" in out) == (0, True)
    assert err.startswith("when it came it was refused: bad-body: not JSON")


def test_a_url_counts_where_it_is_signed(run, signed):
    square = ["--scheme", "square", "--secret", SECRET]
    file = signed(*square, "--url", "https://a.test/in")

    assert run("verify", file, *square)[0] == 0
    assert run("verify", file, *square, "--url", "https://b.test/in")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["event.json"], 2, "--scheme"),
        (["event.json", "--scheme", "github"], 2, "--secret"),
        (["event.json", "--scheme", "githup", "--secret", "x"], 4, "`github`"),
        (["nothing.json", *GITHUB], 4, "nothing.json"),
        (["two.json", *GITHUB], 2, "2 requests"),
        (["evt_nothing"], 4, "evt_nothing"),
        (["rej_nothing"], 4, "rej_nothing"),
    ],
)
def test_what_cannot_be_judged_has_its_exit_code(run, seed, folder, signed, arguments, code, word):
    seed.events({"id": 1})
    line = (folder / signed()).read_text()
    (folder / "two.json").write_text(f"{line}\n{line}\n")

    found, out, err = run("verify", *arguments)

    assert (found, out) == (code, "")
    assert word in err


def test_a_key_that_the_provider_publishes_is_fetched(run, folder, monkeypatch):
    from hookagent.pipeline.keys import Fetched, NoKey

    (folder / "hookagent.toml").write_text('schemes_dir = "own"\n')
    (folder / "own").mkdir()
    (folder / "own" / "acme.toml").write_text(
        '[scheme]\nalgorithm = "ed25519"\nheader = "X-Sig"\n'
        'keys = { url = "https://keys.acme.test/key.pem", hosts = ["keys.acme.test"] }\n'
    )
    made = run("sign", "--scheme", "acme", "--make-key", "--data", "{}", "--format", "json")[1]
    (folder / "event.json").write_text(made)
    asked = []

    def fetches(_outside):
        async def fetch(url, _post):
            asked.append(url)
            if len(asked) > 1:
                raise NoKey("it answered 500")
            return Fetched((folder / "acme-public.pem").read_bytes())

        return fetch

    monkeypatch.setattr("hookagent.pipeline.keys.guarded_fetch", fetches)

    assert run("verify", "event.json", "--scheme", "acme")[0] == 0
    assert asked == ["https://keys.acme.test/key.pem"]
    code, out, err = run("verify", "event.json", "--scheme", "acme", "--json")
    assert (code, json.loads(out)["code"]) == (1, "key-unavailable")
    assert "it answered 500" in err
