"""Whole: a killed worker's runs are taken over by its heartbeat, long before its leases end.

The leases of these workers last ten minutes, longer than any test waits.
"""

import asyncio
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hookagent.job import RunState
from hookagent.store.base import Run, RunFilter
from hookagent.store.registry import open_store
from tests.faults.cluster import Nodes, Witness, settle
from tests.patience import wait_until
from tests.store.postgres.cluster import NoServer, own_cluster

pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
pytestmark = pytest.mark.alone

PLACES = 3
EVENTS = 9
MORE = f'\n[worker]\nlease = "10m"\nconcurrency = {PLACES}\n'


class Target(ThreadingHTTPServer):
    """Answers nobody until it is told to; knows who asked how often."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.asked: list[str] = []
        self.may_answer = threading.Event()

    @property
    def rules(self) -> str:
        url = f"http://127.0.0.1:{self.server_port}/{{{{ id }}}}"
        return f'[rule.slow]\n[[rule.slow.do]]\naction = "http"\nurl = "{url}"\ntimeout = "10m"\n'


class Asked(BaseHTTPRequestHandler):
    server: Target

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(self.path.strip("/"))
        self.server.may_answer.wait()
        try:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError:
            return  # whoever asked was killed

    do_GET = do_POST  # noqa: N815 - the name is the standard library's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def target():
    server = Target()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.may_answer.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def url():
    try:
        with own_cluster() as server:
            yield server.url
    except NoServer as reason:
        pytest.skip(str(reason))


def stored(url: str) -> tuple[dict[int, str], list[Run]]:
    """Return the nodes' ids by pid, and all runs."""

    async def read() -> tuple[dict[int, str], list[Run]]:
        store = open_store(url, Path(), mode="tool")
        await store.open()
        try:
            nodes = await store.nodes(since=0)
            return {node.pid: node.id for node in nodes}, await store.runs(RunFilter(limit=500))
        finally:
            await store.close()

    return asyncio.run(read())


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.long)]
)
def test_runs_of_a_worker_that_is_gone_are_taken_over_and_no_others(tmp_path, url, target, how):
    nodes = Nodes(tmp_path, url, receivers=1, workers=2, rules=target.rules, more=MORE)
    with nodes.running():
        with Witness(nodes, threads=1) as witness:
            wait_until(lambda: len(witness.acknowledged) >= EVENTS)
        wait_until(lambda: len(target.asked) == 2 * PLACES)
        gone = nodes.workers[0].process
        assert gone is not None
        ids, before = stored(url)
        owned = {run.id for run in before if run.owner == ids[gone.process.pid]}
        running = [run for run in before if run.state is RunState.RUNNING]
        assert len(owned) == PLACES
        assert len(running) == 2 * PLACES  # none waits at a worker that has no place for it

        os.kill(gone.process.pid, how)
        target.may_answer.set()
        settle(url)
        if how is signal.SIGSTOP:
            os.kill(gone.process.pid, signal.SIGCONT)
            nodes.workers[0].stop()

        _, after = stored(url)
    assert {run.state for run in after} == {RunState.DONE}
    assert len(after) == len(before) == len(witness.acknowledged)
    for run in after:
        tries = [attempt.outcome for attempt in run.steps[0].attempts]
        assert tries == (["interrupted", "done"] if run.id in owned else ["done"])
    assert len(target.asked) == len(after) + len(owned)
