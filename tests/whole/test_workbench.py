"""Whole: the workbench beside a running agent, as its users work with it."""

import json
import subprocess
import sys

from tests.cli.workbench import EVIL, harmful
from tests.whole.served import WAIT_S, lines, run, serving, write_project

RULES = """
[rule.note-it]
on = "shop/order.*"
[[rule.note-it.do]]
action = "file"
path = "notes.txt"
line = "{{ id }} {{ amount }}"
"""


def notes(folder):
    path = folder / "notes.txt"
    return path.read_text().splitlines() if path.exists() else []


def test_a_signed_request_is_sent_to_the_running_agent_and_waited_for(tmp_path):
    project = write_project(tmp_path, rules=RULES)
    with serving(project) as agent:
        with subprocess.Popen(
            [sys.executable, "-m", "hookagent", "wait", "--type", "order.*", "--where", "amount > 5",
             "--status", "done", "--since", "1m", "--json", "--timeout", "60s"],
            cwd=project, stdout=subprocess.PIPE, text=True,
        ) as waiting:  # fmt: skip
            for amount in (1, 7):
                payload = json.dumps({"id": str(amount), "type": "order.paid", "amount": amount})
                sent = run(project, "sign", "--source", "shop", "--data", payload, "--send")
                assert sent.returncode == 0, sent.stderr
            out, _ = waiting.communicate(timeout=2 * WAIT_S)
        agent.stop()

    (found,) = [json.loads(line) for line in out.splitlines()]
    assert waiting.returncode == 0
    assert json.loads(found["body"])["amount"] == 7
    assert found["runs"][0]["state"] == "done"
    assert sorted(notes(project)) == ["1 1", "7 7"]


def test_chaos_shows_that_our_own_listener_is_sound(tmp_path):
    project = write_project(tmp_path, rules=RULES)
    with serving(project) as agent:
        _, answer = agent.post({"id": "o-1", "type": "order.paid", "amount": 250})
        agent.wait_for("ran", id=answer["id"])
        done = run(
            project, "replay", answer["id"], "--chaos", "dup=3,tamper,truncate,slow=200ms", "--json"
        )
        agent.wait_for("ran", state="done")
        agent.stop()

    answers = lines(done)
    by_kind: dict[str, list[object]] = {}
    for one in answers:
        by_kind.setdefault(one["kind"], []).append(
            json.loads(one["body"]).get("status", one["status"])
        )
    assert done.returncode == 0, done.stdout
    assert by_kind["plain"] == ["accepted"]
    assert by_kind["duplicate"] == ["duplicate", "duplicate"]
    assert (by_kind["tampered"], by_kind["truncated"]) == ([403], [403])
    assert by_kind["slow"] == ["accepted"]


def test_a_selection_is_replayed_in_order_with_a_rate(tmp_path):
    project = write_project(tmp_path, rules=RULES)
    with serving(project) as agent:
        for number in range(5):
            agent.post({"id": f"o-{number}", "type": "order.paid", "amount": number})
        agent.wait_for("ran", rule="note-it")
        done = run(
            project,
            "replay",
            "--type",
            "order.*",
            "--where",
            "amount >= 2",
            "--rate",
            "100",
            "--json",
        )
        ids = [json.loads(one["body"])["id"] for one in lines(done)]
        for event in ids:
            agent.wait_for("ran", id=event)
        agent.stop()

    replays = [one for one in lines(run(project, "inspect", "--json")) if one["origin"] == "replay"]
    assert done.returncode == 0
    assert [one["id"] for one in reversed(replays)] == ids
    assert sorted(notes(project)) == sorted(
        [f"o-{n} {n}" for n in range(5)] + [f"o-{n} {n}" for n in (2, 3, 4)]
    )


def test_a_running_agent_passes_no_byte_of_a_payload_on(tmp_path):
    project = write_project(
        tmp_path,
        rules=RULES.replace("{{ id }}", "x")
        + '\n[[rule.note-it.do]]\naction = "log"\ntext = "{{ id }} {{ note }}"\n',
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "hookagent", "serve", "--port", "0", "--no-inspector", "--output", "compact"],
        cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert b"listening" in process.stdout.readline()
        payload = json.dumps({"id": EVIL, "type": f"order.{EVIL}", "note": EVIL, "amount": EVIL})
        sent = run(project, "sign", "--source", "shop", "--data", payload, "--send")
        refused = run(
            project, "sign", "--source", "shop", "--data", payload, "--secret", "wrong", "--send"
        )
        wrong_path = run(
            project,
            "sign",
            "--source",
            "shop",
            "--url",
            "http://127.0.0.1:1/x",
            "--data",
            payload,
            "--send",
        )
        while b"rej_" not in (line := process.stdout.readline()):
            assert harmful(line.decode()) == []
    finally:
        process.send_signal(2)
        out, _ = process.communicate(timeout=WAIT_S)

    assert [sent.returncode, refused.returncode, wrong_path.returncode] == [0, 1, 5]
    for text in (out, sent.stdout, sent.stderr, refused.stdout, wrong_path.stderr):
        assert harmful(text.decode()) == []
