"""Whole: the program as its users run it, from the socket to the action and back."""

import json
import os
import signal
import stat
import sys

import pytest

from tests.patience import wait_until
from tests.whole.served import WAIT_S, lines, run, serving, signature, write_project

RULES = """
[rule.note-it]
on = "shop/order.*"
[rule.note-it.when]
amount = { gte = 100 }
[[rule.note-it.do]]
action = "file"
path = "notes.txt"
line = "{{ id }} {{ amount }}"
[[rule.note-it.do]]
action = "log"
text = "noted {{ id }}"
"""


def notes(folder):
    path = folder / "notes.txt"
    return path.read_text().splitlines() if path.exists() else []


def test_an_event_goes_from_the_socket_to_its_action_and_back(tmp_path):
    project = write_project(tmp_path, rules=RULES)
    with serving(project) as agent:
        status, answer = agent.post({"id": "o-1", "type": "order.paid", "amount": 250})
        ran = agent.wait_for("ran", rule="note-it")
        repeated = agent.post({"id": "o-1", "type": "order.paid", "amount": 250})
        agent.post({"id": "o-2", "type": "order.paid", "amount": 5})
        agent.wait_for("matched", rules=[])
        code = agent.stop()

    assert (status, answer["status"]) == (200, "accepted")
    assert repeated == (200, {"status": "duplicate", "id": answer["id"]})
    assert (ran["state"], ran["id"]) == ("done", answer["id"])
    assert notes(project) == ["o-1 250"]
    assert code == 0
    (newest, first) = lines(run(project, "inspect", "--json"))
    assert (first["id"], first["duplicates"], first["runs"]) == (answer["id"], 1, {"done": 1})
    assert newest["runs"] == {}


def test_strangers_are_turned_away_and_the_operator_sees_why(tmp_path):
    project = write_project(tmp_path)
    body = b'{"id":"x"}'
    with serving(project) as agent:
        unsigned = agent.request("POST", "/hooks/shop", body)
        wrong = agent.request(
            "POST", "/hooks/shop", body, {"X-Shop-Signature": signature(b"other")}
        )
        method = agent.request("GET", "/hooks/shop")
        path = agent.request("POST", "/hooks/shopp", body)
        garbage = agent.post(b"not json")
        seen = agent.wait_for("delivered", status=404)
        refused = agent.wait_for("delivered", status=403)
        agent.stop()

    assert [unsigned[0], wrong[0], method[0], path[0], garbage[0]] == [401, 403, 405, 404, 400]
    assert method[1]["allow"] == "POST"
    assert json.loads(wrong[2]) == {
        "error": "forbidden",
        "message": "The signature or token is not valid here.",
    }
    assert "/hooks/shop" in seen["detail"]
    assert refused["code"] == "wrong-signature"
    explained = run(project, "verify", refused["id"], "--json")
    assert explained.returncode == 1
    assert lines(explained)[0]["valid"] is False


def test_a_broken_edit_of_a_rule_is_reported_and_the_last_good_set_stays(tmp_path):
    project = write_project(tmp_path, rules=RULES)
    with serving(project) as agent:
        agent.wait_for("rules", loaded=1, kept=False)
        (project / "rules" / "test.toml").write_text(RULES.replace("gte", "gtee"))
        broken = agent.wait_for("rules", kept=True)
        agent.post({"id": "o-1", "type": "order.paid", "amount": 250})
        agent.wait_for("ran", state="done")
        (project / "rules" / "test.toml").write_text(
            RULES + '\n[rule.second]\n[[rule.second.do]]\naction = "log"\ntext = "x"\n'
        )
        agent.wait_for("rules", loaded=2, kept=False)
        agent.stop()

    assert "rules/test.toml:5" in broken["problems"][0]
    assert "gte" in broken["problems"][0]
    assert notes(project) == ["o-1 250"]


def test_a_failing_step_is_retried_and_then_dead_until_a_person_revives_it(tmp_path):
    marker = tmp_path / "works"
    script = f"import os,sys; sys.exit(0 if os.path.exists({str(marker)!r}) else 1)"
    rules = f"""
[rule.fragile]
[[rule.fragile.do]]
action = "exec"
command = [{json.dumps(sys.executable)}, "-c", {json.dumps(script)}]
retry = {{ attempts = 2, first_delay = "10ms", max_delay = "20ms" }}
"""
    project = write_project(tmp_path / "project", rules=rules)
    with serving(project) as agent:
        agent.post({"id": "1", "type": "t"})
        dead = agent.wait_for("ran", state="dead")
        (listed,) = lines(run(project, "dead", "--json"))
        marker.write_text("")
        revived = run(project, "retry", dead["run"])
        done = agent.wait_for("ran", state="done", run=dead["run"])
        agent.stop()
    shown = run(project, "inspect", done["id"]).stdout.decode()

    assert listed["id"] == dead["run"]
    assert len(listed["steps"][0]["attempts"]) == 2
    assert revived.returncode == 0
    before, after = shown.split("tried again by hand\n")
    assert (before.count("ms  again"), after.count("ms  done")) == (2, 1)


def test_a_replay_is_a_new_delivery_linked_to_its_original(tmp_path):
    project = write_project(tmp_path, rules=RULES)
    with serving(project) as agent:
        _, answer = agent.post({"id": "o-1", "type": "order.paid", "amount": 250})
        agent.wait_for("ran", id=answer["id"])
        replayed = run(project, "replay", answer["id"], "--set", "amount=300", "--json")
        again = json.loads(lines(replayed)[0]["body"])
        agent.wait_for("ran", id=again["id"])
        forged = agent.request(
            "POST",
            "/hooks/shop",
            b'{"id":"f"}',
            {
                "X-Shop-Signature": signature(b'{"id":"f"}'),
                "X-Hookagent-Replay": f"{answer['id']};n;00",
            },
        )
        agent.stop()

    (original,) = lines(run(project, "inspect", answer["id"], "--json"))
    (copy,) = lines(run(project, "inspect", again["id"], "--json"))
    assert again["status"] == "accepted"
    assert (copy["origin"], copy["parent"]) == ("replay", answer["id"])
    assert original["replays"] == [again["id"]]
    assert 'amount": 250' in original["body"]
    assert notes(project) == ["o-1 250", "o-1 300"]
    (stranger,) = lines(run(project, "inspect", json.loads(forged[2])["id"], "--json"))
    assert stranger["origin"] == "live"
    assert not [name for name, _ in stranger["headers"] if name.lower() == "x-hookagent-replay"]


def test_a_dry_run_matches_and_records_but_does_nothing(tmp_path):
    project = write_project(tmp_path, rules=RULES)
    with serving(project, "--dry-run") as agent:
        agent.post({"id": "o-1", "type": "order.paid", "amount": 250})
        ran = agent.wait_for("ran", rule="note-it")
        agent.stop()

    assert [step["action"] for step in ran["dry"]] == ["file", "log"]
    assert notes(project) == []


def test_a_dry_run_never_ends_what_is_left_to_do(tmp_path):
    rules = """
[rule.fragile]
[[rule.fragile.do]]
action = "exec"
command = ["sh", "-c", "test -e works && echo it >> notes.txt"]
retry = { attempts = 1 }
"""
    project = write_project(tmp_path, rules=rules)
    with serving(project) as agent:
        agent.post({"id": "1", "type": "t"})
        dead = agent.wait_for("ran", state="dead")
        agent.stop()
    (project / "works").touch()
    run(project, "retry", dead["run"])

    tried = run(project, "serve", "--dry-run", "--port", "0", "--no-inspector")
    with serving(project) as agent:
        agent.wait_for("ran", state="done", run=dead["run"])
        agent.stop()

    assert tried.returncode == 5
    assert b"work left to do (runs: 1, events: 0)" in tried.stderr
    assert notes(project) == ["it"]


def test_over_time_conditions_survive_a_restart(tmp_path):
    rules = """
[rule.third]
window = { count = 3, within = "1h", by = ["customer"] }
[[rule.third.do]]
action = "file"
path = "notes.txt"
line = "{{ key.customer }} {{ window.count }}"
"""
    project = write_project(tmp_path, rules=rules)
    with serving(project) as agent:
        for number in range(2):
            agent.post({"id": f"{number}", "type": "t", "customer": "ada"})
            agent.wait_for("matched")
        agent.stop()
    with serving(project) as agent:
        agent.post({"id": "2", "type": "t", "customer": "ada"})
        agent.wait_for("ran", rule="third")
        agent.stop()

    assert notes(project) == ["ada 3"]


def test_a_sequence_that_is_not_completed_fires_at_its_end(tmp_path):
    rules = """
[rule.unpaid]
on = "shop/checkout"
[rule.unpaid.sequence]
within = "1s"
by = ["cart"]
without = { on = "shop/paid" }
[[rule.unpaid.do]]
action = "file"
path = "notes.txt"
line = "unpaid {{ cart }}"
"""
    project = write_project(tmp_path, rules=rules)
    with serving(project) as agent:
        agent.post({"id": "1", "type": "checkout", "cart": "a"})
        agent.post({"id": "2", "type": "checkout", "cart": "b"})
        agent.post({"id": "3", "type": "paid", "cart": "a"})
        agent.wait_for("ran", rule="unpaid")
        agent.stop()

    assert notes(project) == ["unpaid b"]


def test_everything_in_the_state_folder_is_private(tmp_path):
    previous = os.umask(0)
    try:
        project = write_project(
            tmp_path,
            more='\n[sources.auto]\npath = "/hooks/auto"\nscheme = "token"\nheader = "X-Token"\nsecret = "auto"\n',
        )
        with serving(project) as agent:
            agent.post({"id": "1", "type": "t"})
            state = project / ".hookagent"
            modes = {
                p.relative_to(project).as_posix(): stat.S_IMODE(p.stat().st_mode)
                for p in [state, *state.rglob("*")]
            }
            agent.stop()
    finally:
        os.umask(previous)

    assert {mode for path, mode in modes.items() if (project / path).is_dir()} <= {0o700}
    assert {mode for path, mode in modes.items() if (project / path).is_file()} <= {0o600}
    assert len(modes) >= 4


def test_a_taken_port_is_an_answer_and_not_a_traceback(tmp_path):
    first, second = write_project(tmp_path / "a"), write_project(tmp_path / "b")
    with serving(first) as agent:
        done = run(second, "serve", "--port", str(agent.port), "--no-inspector")
        agent.stop()

    assert done.returncode == 5
    said = f"cannot listen on 127.0.0.1:{agent.port}: address already in use\n"
    assert said in done.stderr.decode()
    assert b"--port" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_second_agent_on_one_store_is_refused(tmp_path):
    project = write_project(tmp_path)
    with serving(project) as agent:
        done = run(project, "serve", "--port", "0", "--no-inspector")
        agent.stop()

    assert done.returncode == 5
    assert str(agent.process.pid).encode() in done.stderr


def test_a_stop_finishes_what_runs_and_the_next_start_takes_up_the_rest(tmp_path):
    script = (
        "import sys,time; open(sys.argv[2], 'a').write('begun '); time.sleep(float(sys.argv[1]));"
        " open(sys.argv[2], 'a').write('done')"
    )
    rules = f"""
[rule.slow]
on = "shop/short"
[[rule.slow.do]]
action = "exec"
command = [{json.dumps(sys.executable)}, "-c", {json.dumps(script)}, "0.7", {json.dumps(str(tmp_path / "short"))}]
"""
    project = write_project(tmp_path / "p", rules=rules, more='\n[worker]\ngrace = "50s"\n')
    with serving(project) as agent:
        agent.post({"id": "1", "type": "short"})
        wait_until((tmp_path / "short").exists)
        code = agent.stop()

    assert code == 0
    assert (tmp_path / "short").read_text() == "begun done"


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_says_what_is_left(tmp_path, name):
    project = write_project(tmp_path)
    with serving(project) as agent:
        agent.process.send_signal(name)
        stopped = agent.wait_for("stopped")
        assert agent.process.wait(WAIT_S) == 0

    assert stopped["left"] == 0
