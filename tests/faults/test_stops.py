"""Whole: Ctrl-C and SIGTERM while much is under way, and once more while it stops."""

import json
import signal
import socket
import subprocess
import sys
from collections import Counter

import pytest

from hookagent.actions.program import PARALLEL_MAX
from tests.patience import wait_until
from tests.whole.served import WAIT_S, lines, run, serving, write_project

FOREVER = 'import time; open("begun","a").write("x"); time.sleep(600)'
CROWD = 60
"""Events with a program each, of which four run at once."""


def crowded(tmp_path, server):
    """Write a project whose every event starts a program, and whose `call` asks a slow server."""
    command = json.dumps([sys.executable, "-c", FOREVER])
    text = f"""
[rule.program]
on = "shop/program"
on_interrupt = "hold"
[[rule.program.do]]
action = "exec"
command = {command}
timeout = "10m"
[rule.call]
on = "shop/call"
[[rule.call.do]]
action = "http"
url = "http://127.0.0.1:{server}/"
timeout = "10m"
"""
    return write_project(tmp_path, rules=text, more='\n[worker]\ngrace = "10m"\n')


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_a_stop_at_once_and_keeps_what_had_not_begun(tmp_path, name):
    with socket.create_server(("127.0.0.1", 0)) as target:  # takes connections, never answers
        project = crowded(tmp_path, target.getsockname()[1])
        with serving(project) as agent:
            agent.post({"id": "call", "type": "call"})
            connection, _ = target.accept()
            sent = [agent.post({"id": f"{n}", "type": "program"}) for n in range(CROWD)]
            for _, answer in sent:  # what is routed while it stops is nobody's, and not counted
                agent.wait_for("matched", id=answer["id"])
            wait_until(lambda: begun(project) == PARALLEL_MAX)
            agent.process.send_signal(name)
            stopping = agent.wait_for("stopping")
            with pytest.raises(subprocess.TimeoutExpired):
                agent.process.wait(2)  # it waits for what runs, and takes nothing up meanwhile
            agent.process.send_signal(name)
            stopped = agent.wait_for("stopped")
            code = agent.process.wait(WAIT_S)
        connection.close()
        assert begun(project) == PARALLEL_MAX
        states = Counter[str]()
        for event in lines(run(project, "inspect", "--json", "--limit", "100")):
            states.update(event["runs"])
        with serving(project) as agent:
            wait_until(lambda: begun(project) == 2 * PARALLEL_MAX)  # others, and no more at once
            wait_until(lambda: len(dead(project)) == PARALLEL_MAX)
            agent.kill()

    assert {status for status, _ in sent} == {200}
    assert (stopping["running"], stopping["grace_ms"]) == (PARALLEL_MAX + 1, 600_000)
    assert (stopped["left"], code) == (CROWD + 1, 130)
    assert states == {"running": PARALLEL_MAX + 1, "pending": CROWD - PARALLEL_MAX}
    assert set(dead(project)) == {"program"}


def dead(project) -> list[str]:
    """Return the rules of the dead runs."""
    return [one["rule"] for one in lines(run(project, "dead", "--json"))]


def begun(project) -> int:
    """Count the programs that have begun."""
    file = project / "begun"
    return len(file.read_text()) if file.exists() else 0
