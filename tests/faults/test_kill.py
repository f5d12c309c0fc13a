"""Whole: kill -9 at random moments under load loses nothing that was acknowledged (T20)."""

import threading
import time

import pytest

from tests.faults.oracle import RULES, Witness, judge, settle
from tests.whole.served import serving, write_project

LEASES = '\n[worker]\nlease = "2s"\n'


def kill_under_load(project, witness, times):
    """Kill so often, and on a machine that stood still until enough was promised."""
    kills = 0
    while kills < times or len(witness.acknowledged) <= times:
        kills += 1
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


@pytest.mark.parametrize("times", [20, pytest.param(1_000, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_and_no_completed_step_is_repeated(tmp_path, times):
    project = write_project(tmp_path, rules=RULES, more=LEASES)
    witness = Witness(seed=times)

    kill_under_load(project, witness, times)
    settle(project)

    assert len(witness.acknowledged) > times
    assert set(witness.answers) == {200}
    assert judge(project, witness) == []
