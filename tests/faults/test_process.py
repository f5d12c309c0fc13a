"""Whole: stopped, frozen and killed processes: nothing is lost, nothing is finished twice."""

import json
import os
import signal
import sys
import time

import pytest

from tests.patience import PATIENCE_S, wait_until
from tests.whole.served import Served, lines, run, serving, write_project

LEASE = '\n[worker]\nlease = "1s"\ngrace = "1s"\n'
SLOW = "import sys,time; open('begun','a').write('x'); time.sleep(float(sys.argv[1])); open('ended','a').write('x')"


def rules(seconds: float, extra: str = "") -> str:
    command = json.dumps([sys.executable, "-c", SLOW, str(seconds)])
    return f'[rule.slow]\n[[rule.slow.do]]\naction = "exec"\ncommand = {command}\n{extra}'


def test_a_term_in_mid_work_parks_the_step_and_the_next_start_does_it_again(tmp_path):
    project = write_project(tmp_path, rules=rules(30), more=LEASE)
    with serving(project) as agent:
        event = agent.post({"id": "1"})[1]["id"]
        wait_until((project / "begun").exists)
        agent.process.send_signal(signal.SIGTERM)
        stopped = agent.wait_for("stopped")
        assert agent.process.wait(PATIENCE_S) == 0
    (project / "rules" / "test.toml").write_text(rules(0))

    with serving(project) as agent:
        wait_until(lambda: (project / "begun").read_text() == "xx")
        agent.stop()

    assert stopped["left"] == 1
    assert not (project / "ended").exists()
    (found,) = lines(run(project, "inspect", event, "--json"))
    assert found["runs"][0]["steps"][0]["attempts"][0]["outcome"] == "interrupted"


def test_a_parent_that_ignores_the_ends_of_its_children_does_not_make_us(tmp_path):
    careless = (
        "import os,signal,sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
        " os.execv(sys.argv[1], sys.argv[1:])"
    )
    fails = (
        '[rule.r]\n[[rule.r.do]]\naction = "exec"\ncommand = ["false"]\nretry = { attempts = 1 }\n'
    )
    agent = Served(write_project(tmp_path, rules=fails), launcher=(sys.executable, "-c", careless))
    try:
        agent.post({"id": "1"})
        ran = agent.wait_for("ran")
        agent.stop()
    finally:
        agent.close()

    assert (ran["state"], ran["error"]) == ("dead", "exit code 1")
    assert agent.stderr == ""


@pytest.mark.parametrize("frozen_s", [3, pytest.param(60, marks=pytest.mark.long)])
def test_a_process_frozen_beyond_its_lease_finishes_once(tmp_path, frozen_s):
    project = write_project(tmp_path, rules=rules(6), more=LEASE)
    with serving(project) as agent:
        event = agent.post({"id": "1"})[1]["id"]
        wait_until((project / "begun").exists)
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(frozen_s)  # leases pass while nobody renews: that is the experiment
        refused = run(project, "serve", "--port", "0", "--no-inspector")
        agent.process.send_signal(signal.SIGCONT)
        agent.wait_for("ran", state="done", id=event)
        agent.stop()

    assert (project / "begun").read_text() == "x"
    assert (project / "ended").read_text() == "x"
    assert refused.returncode == 5
    assert str(agent.process.pid).encode() in refused.stderr
    (found,) = lines(run(project, "inspect", event, "--json"))
    outcomes = [attempt["outcome"] for attempt in found["runs"][0]["steps"][0]["attempts"]]
    assert outcomes.count("done") == 1
    assert outcomes[-1] == "done"


def test_an_interrupted_step_that_may_not_be_repeated_waits_for_a_person(tmp_path):
    held = rules(30, 'on_interrupt = "hold"\n')
    project = write_project(tmp_path, rules=held, more=LEASE)
    with serving(project) as agent:
        agent.post({"id": "1"})
        wait_until((project / "begun").exists)
        agent.kill()

    with serving(project) as agent:
        dead = agent.wait_for("ran", state="dead")
        (listed,) = lines(run(project, "dead", "--json"))
        assert (project / "begun").read_text() == "x"
        revived = run(project, "retry", dead["run"])
        wait_until(lambda: (project / "begun").read_text() == "xx")
        agent.stop()

    assert "the process ended" in listed["reason"]
    assert revived.returncode == 0


def test_a_killed_agent_leaves_nothing_that_keeps_the_next_from_starting(tmp_path):
    project = write_project(tmp_path)
    for number in range(3):
        with serving(project) as agent:
            assert agent.post({"id": str(number)})[0] == 200
            agent.kill()

    assert len(lines(run(project, "inspect", "--json"))) == 3
    assert not [p for p in os.listdir(project / ".hookagent") if p.startswith("exec-")]  # noqa: PTH208 - names only


def test_runs_that_had_not_begun_at_a_kill_are_not_held_for_a_person(tmp_path):
    script = (
        "import os,time; open('begun','a').write('x'); time.sleep(30 * os.path.exists('slow'));"
        " open('ended','a').write('x')"
    )
    command = json.dumps([sys.executable, "-c", script])
    held = f'[rule.r]\non_interrupt = "hold"\n[[rule.r.do]]\naction = "exec"\ncommand = {command}\n'
    project = write_project(tmp_path, rules=held, more=LEASE + "concurrency = 1\n")
    (project / "slow").touch()
    with serving(project) as agent:
        begun = agent.post({"id": "0"})[1]["id"]
        wait_until((project / "begun").exists)
        waiting = [agent.post({"id": str(number)})[1]["id"] for number in range(1, 6)]
        agent.wait_for("matched", id=waiting[-1])
        agent.kill()
    (project / "slow").unlink()

    with serving(project) as agent:
        agent.wait_for("ran", state="dead", id=begun)
        for one in waiting:
            agent.wait_for("ran", state="done", id=one)
        agent.stop()

    (dead,) = lines(run(project, "dead", "--json"))
    assert "the process ended" in dead["reason"]
    assert (project / "begun").read_text() == "x" * 6
    assert (project / "ended").read_text() == "x" * 5
