"""Whole: T20, a disk that fails in each of its ways, root or not: 503, then all is well by itself."""

import errno
import json
import os
import subprocess
import sys

import pytest

from tests.faults.disk import COMPILER, Faults, compiled, environment
from tests.faults.oracle import RULES, judge_runs, settle, stored
from tests.patience import wait_until
from tests.whole.served import OURS, serving, write_project

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="needs a C compiler, and there is none"),
    pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's"),
]
WAYS = {
    "a write fails": {"write": errno.EIO},
    "no room": {"write": errno.ENOSPC},
    "read-only": {"write": errno.EROFS, "open_": errno.EROFS},
    "a sync fails": {"sync": errno.EIO},
    "no room at the sync": {"sync": errno.ENOSPC},
    "a quota at the sync": {"sync": errno.EDQUOT},
    "nothing can be read": {"read": errno.EIO},
    "everything fails": {
        "write": errno.EIO, "sync": errno.EIO, "open_": errno.EIO, "read": errno.EIO,
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("shim"))


@pytest.mark.parametrize("way", WAYS)
def test_t20_a_disk_that_fails_promises_nothing_and_heals_by_itself(tmp_path, shim, way):
    project = write_project(tmp_path / "project", rules=RULES)
    faults = Faults(tmp_path / "faults")
    state = project / ".hookagent"
    state.mkdir(mode=0o700)
    promised = {}

    def post(agent, name):
        status, answer = agent.post({"id": name, "pad": "x" * 5_000})
        if status == 200:
            promised[name] = answer["id"]
        return status

    with serving(project, environ=environment(shim, state, faults=faults)) as agent:
        before = [post(agent, f"before-{number}") for number in range(5)]
        faults.set(**WAYS[way])
        during = [post(agent, f"during-{number}") for number in range(20)]
        elsewhere = agent.request("GET", "/nowhere")[0]
        faults.set()
        wait_until(lambda: post(agent, "after") == 200)
        again = post(agent, "during-0")
        agent.kill()
    settle(project)

    assert before == [200] * 5
    assert set(during) <= ({200, 503} if way == "nothing can be read" else {503})
    assert elsewhere == 404
    assert again == 200
    found = stored(project)
    assert set(promised.values()) <= set(found)
    written = (project / "effects.txt").read_text().split()
    for event_id, document in found.items():
        name = json.loads(document["body"])["id"]
        assert judge_runs(name, event_id, document["runs"], written.count(name)) == []


@pytest.mark.parametrize("way", ["read-only", "nothing can be read", "everything fails", "no room"])
def test_t20_a_disk_that_fails_at_the_start_is_said_in_one_sentence(tmp_path, shim, way):
    project = write_project(tmp_path / "project")
    with serving(project) as agent:
        assert agent.post({"id": "1"})[0] == 200
        agent.kill()
    faults = Faults(tmp_path / "faults")
    faults.set(**WAYS[way])
    state = environment(shim, project / ".hookagent", faults=faults)

    done = subprocess.run(
        [sys.executable, "-m", "hookagent", "serve", "--port", "0", "--no-inspector"],
        cwd=project, capture_output=True, timeout=60, check=False, env={**os.environ, **OURS, **state},
    )  # fmt: skip

    assert done.returncode == 5, done.stderr
    assert b"Traceback" not in done.stderr
    assert b".hookagent" in done.stderr
    faults.set()
    with serving(project) as agent:
        assert agent.post({"id": "1"})[1]["status"] == "duplicate"
        agent.stop()
