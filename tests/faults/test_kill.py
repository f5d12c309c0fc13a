"""Whole: kill -9 at random moments under load loses nothing that was acknowledged (T20)."""

import threading
import time

import pytest

from tests.faults.oracle import RULES, Witness, judge
from tests.whole.served import lines, run, serving, write_project

LEASES = '\n[worker]\nlease = "2s"\n'


def kill_under_load(project, witness, times):
    for _ in range(times):
        end = threading.Event()
        with serving(project) as agent:
            threads = witness.load(agent, end)
            time.sleep(
                witness.random.uniform(0.05, 0.5)
            )  # the moment of the kill is the experiment
            agent.kill()
            end.set()
            for thread in threads:
                thread.join()


def settle(project):
    """Start once more and wait until everything was worked off."""
    with serving(project) as agent:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            (stats,) = lines(run(project, "stats", "--json"))
            open_runs = sum(
                n
                for state, n in stats["runs"].items()
                if state in {"pending", "running", "waiting"}
            )
            if stats["unrouted"] == 0 and open_runs == 0:
                break
        agent.stop()


@pytest.mark.parametrize("times", [20, pytest.param(1_000, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_and_no_completed_step_is_repeated(tmp_path, times):
    project = write_project(tmp_path, rules=RULES, more=LEASES)
    witness = Witness(seed=times)

    kill_under_load(project, witness, times)
    settle(project)

    assert len(witness.acknowledged) > times
    assert set(witness.answers) == {200}
    assert judge(project, witness) == []
