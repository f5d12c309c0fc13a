"""`hookagent inspect`: lists, filters, shows, compares, exports; and no payload steers the terminal."""

import json
import signal
import subprocess
import sys

import pytest

from hookagent.job import RunState
from tests.cli.workbench import EVIL, NOW, SECRET, harmful


def order(number, **more):
    return {"id": f"o-{number}", "type": "order.paid", "amount": number * 100, **more}


def ids(out):
    return [json.loads(line)["id"] for line in out.splitlines()]


def test_events_are_listed_newest_first(seed, run):
    first, second = seed.events(order(1), order(2))

    code, out, err = run("inspect", "--json")

    assert (code, err) == (0, "")
    assert ids(out) == [second, first]
    row = json.loads(out.splitlines()[0])
    assert (row["source"], row["type"], row["duplicates"], row["runs"]) == (
        "shop", "order.paid", 0, {},
    )  # fmt: skip
    assert row["received_at"] == "2026-09-21T14:13:21.000Z"


def test_in_a_pipe_a_list_is_tab_separated_without_a_heading(seed, run):
    (first,) = seed.events(order(1))

    code, out, _ = run("inspect")

    (line,) = out.splitlines()
    assert code == 0
    assert line.split("\t")[1:] == ["shop", "order.paid", first, "waiting", ""]


def test_an_empty_store_says_how_to_make_an_event(seed, run):
    code, out, err = run("inspect")

    assert (code, out) == (0, "")
    assert "hookagent sign" in err


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--source", "pay"], []),
        (["--source", "shop", "--limit", "1"], [2]),
        (["--type", "order.*"], [2, 0]),
        (["--type", "refund"], [1]),
        (["--text", "needle"], [1]),
        (["--where", "amount >= 150"], [2, 1]),
        (["--where", "amount >= 150", "--where", 'type == "refund"'], [1]),
        (["--where", "amount >= 100", "--limit", "1"], [2]),
        (["--since", "2026-09-21T14:13:21"], [2, 1]),
        (["--until", "2026-09-21T14:13:20.500"], [0]),
        (["--status", "stored"], [2, 1, 0]),
        (["--status", "dead"], []),
        (["--rule", "note"], []),
    ],
)
def test_a_selection_narrows_the_list(seed, run, options, found):
    made = seed.events(order(1), order(2, type="refund", note="a needle"), order(3))

    code, out, _ = run("inspect", "--json", *options)

    assert code == 0
    assert ids(out) == [made[place] for place in found]


@pytest.mark.parametrize(
    ("options", "word"),
    [(["--since", "yesterdayish"], "--since"), (["--where", "amount >="], "--where")],
)
def test_what_cannot_be_read_is_a_usage_error(seed, run, options, word):
    code, _, err = run("inspect", *options)

    assert code == 2
    assert word in err


def test_one_event_is_shown_in_full(seed, run):
    (event,) = seed.events(order(1, deep={"a": [1, 2]}))
    dead = seed.runs(event, RunState.DEAD, reason="the target said 500")
    seed.events(order(1), at=NOW + 60_000)

    code, out, _ = run("inspect", event, "--json")
    _, text, _ = run("inspect", event)

    shown = json.loads(out)
    assert code == 0
    assert (shown["id"], shown["duplicates"], shown["method"]) == (event, 1, "POST")
    assert shown["verdict"]["valid"] is True
    assert json.loads(shown["body"])["deep"] == {"a": [1, 2]}
    (recorded,) = shown["runs"]
    assert (recorded["id"], recorded["state"], recorded["rule"]) == (dead, "dead", "note")
    assert {"action", "state", "attempts", "output"} <= set(recorded["steps"][0])
    for words in (event, "ok (body-signed, shop)", "duplicates 1", '"deep"', "the target said 500"):
        assert words in text


def test_the_beginning_of_an_id_will_do_and_a_wrong_one_is_not_found(seed, run):
    (event,) = seed.events(order(1))

    assert run("inspect", event[:18], "--json")[0] == 0
    code, _, err = run("inspect", "evt_nothing")

    assert code == 4
    assert "evt_nothing" in err


def test_a_run_is_shown_with_its_event(seed, run):
    (event,) = seed.events(order(1))
    dead = seed.runs(event, RunState.DEAD, reason="the target said 500")

    code, out, _ = run("inspect", dead)
    missing, _, err = run("inspect", "run_nothing")

    assert (code, event in out, dead in out) == (0, True, True)
    assert missing == 4
    assert "no run `run_nothing`" in err


def test_two_events_are_compared(seed, run):
    one, two = seed.events(order(1), order(2))

    code, out, _ = run("inspect", one, two, "--json")
    same = run("inspect", one, one)

    found = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert {"path": "amount", "before": "100", "after": "200"} in found
    assert same[0] == 0
    assert run("inspect", one, two, one)[0] == 2


def test_refusals_are_listed_and_shown(seed, run):
    (refused,) = seed.refusals(order(1))

    code, out, _ = run("inspect", "--rejected", "--json")
    _, shown, _ = run("inspect", refused, "--json")
    _, text, _ = run("inspect", "--rejected")

    row = json.loads(out)
    assert code == 0
    assert (row["id"], row["status"], row["error"]) == (refused, 401, "missing-signature")
    assert json.loads(shown)["verdict"]["reason"] == "missing-signature"
    assert refused in text
    assert run("inspect", "--rejected", "--source", "pay")[1] == ""


def test_a_verdict_finds_events_or_refused_deliveries(seed, run):
    (event,) = seed.events(order(1))
    (refused,) = seed.refusals(order(2))

    def found(word):
        code, out, _ = run("inspect", "--verdict", word, "--json")
        return code, [json.loads(line)["id"] for line in out.splitlines()]

    assert found("ok") == found("body-signed") == (0, [event])
    assert found("none") == (0, [])
    assert found("refused") == found("missing-signature") == (0, [refused])
    code, out, said = run("inspect", "--verdict", "wrong-signature")
    assert (code, out) == (0, "")
    assert "nothing was refused" in said
    code, _, said = run("inspect", "--verdict", "genuine")
    assert code == 2
    assert "no verdict `genuine`" in said
    assert "body-signed" in said


def test_an_export_is_an_event_file_that_verifies(seed, run, folder):
    (event,) = seed.events(b'{ "id":"o-1",  "type" : "order.paid", "n": 1.0 }')

    _, out, _ = run("inspect", event, "--export", "json")
    (folder / "event.json").write_text(out)
    code, verified, _ = run(
        "verify", "event.json", "--source", "shop", "--now", str(NOW // 1000), "--json"
    )

    assert json.loads(out)["body"] == '{ "id":"o-1",  "type" : "order.paid", "n": 1.0 }'
    assert (code, json.loads(verified)["valid"]) == (0, True)


def test_a_selection_is_exported_oldest_first_as_json_lines_and_har(seed, run):
    made = seed.events(order(1), order(2))

    _, lines, _ = run("inspect", "--source", "shop", "--export", "json")
    _, har, _ = run("inspect", "--source", "shop", "--export", "har")
    _, curl, _ = run("inspect", made[0], "--export", "curl")

    assert ids(lines) == made
    entries = json.loads(har)["log"]["entries"]
    assert [json.loads(one["request"]["postData"]["text"])["id"] for one in entries] == [
        "o-1",
        "o-2",
    ]
    assert curl.startswith("curl --request POST")
    assert "/hooks/shop" in curl


def test_secrets_do_not_leave_in_an_export(seed, run):
    (event,) = seed.events(
        order(1), Authorization="Bearer abcdefgh12345678", Cookie="session=very-secret-value"
    )

    for form in ("json", "har", "curl", "pytest"):
        _, out, _ = run("inspect", event, "--export", form)
        assert "abcdefgh12345678" not in out
        assert "very-secret-value" not in out
        assert SECRET not in out


def test_no_byte_of_a_payload_steers_the_terminal(seed, run):
    (event,) = seed.events(order(1, type=EVIL, note=EVIL, **{EVIL: EVIL}))
    (other,) = seed.events(order(2, note="x"), at=NOW + 5000)
    seed.refusals({"note": EVIL}, at=NOW + 9000)

    outputs = [
        run("inspect"),
        run("inspect", "--json"),
        run("inspect", event),
        run("inspect", event, "--json"),
        run("inspect", event, other),
        run("inspect", event, "--export", "json"),
        run("inspect", event, "--export", "curl"),
        run("inspect", event, "--export", "pytest"),
        run("inspect", event, "--export", "har"),
        run("inspect", "--rejected"),
        run("stats"),
        run("replay", event, "--dry-run"),
        run("inspect", EVIL),
        run("inspect", "--type", EVIL),
        run("inspect", "--where", EVIL),
    ]

    for _, out, err in outputs:
        assert harmful(out + err) == []


def test_a_follower_prints_what_comes(seed, folder):
    (event,) = seed.events(order(1))
    command = [
        sys.executable,
        "-m",
        "hookagent",
        "inspect",
        "--follow",
        "--type",
        "order.*",
        "--json",
    ]

    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as follower:
        assert follower.stdout is not None
        first = follower.stdout.readline()
        _, newer = seed.events(order(2, type="x"), order(3))
        second = follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        _, err = follower.communicate()

    assert ids(first.decode() + second.decode()) == [event, newer]
    assert (follower.returncode, err) == (130, b"")
