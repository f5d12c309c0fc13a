"""Whole: three receivers and three workers on PostgreSQL, and everything that can go wrong."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.faults.cluster import (
    Node,
    Nodes,
    Witness,
    judge,
    kill_at_random,
    settle,
    tracking_commits,
)
from tests.faults.namespace import NotAllowed, Wire, wired
from tests.faults.relay import Relay
from tests.store.postgres.cluster import Cluster, NoServer, own_cluster

psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def server():
    """Start one database server for all of this."""
    try:
        with own_cluster() as cluster:
            yield tracking_commits(cluster)
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture
def url(server, request):
    """Give the URL of a schema of the test's own."""
    name = f"t{os.getpid()}_{abs(hash(request.node.name)) % 1_000_000}"
    return f"{server.url}?schema={name}"


def under_load(nodes: Nodes, trouble: Callable[[], object], *, seed: int = 0) -> Witness:
    """Let trouble come while events arrive, wait until all is worked off, and judge."""
    with nodes.running():
        with Witness(nodes, seed=seed) as witness:
            time.sleep(1)
            trouble()
            time.sleep(1)
        settle(nodes.url)
    assert judge(nodes, witness) == []
    assert len(witness.acknowledged) > 30
    return witness


@pytest.mark.parametrize("times", [3, pytest.param(200, marks=pytest.mark.long)])
def test_any_node_may_be_killed_at_any_moment(tmp_path, url, times):
    nodes = Nodes(tmp_path, url)

    witness = under_load(nodes, lambda: kill_at_random(nodes, times, seed=times))

    assert set(witness.answers) <= {200}


def test_the_database_may_crash_and_come_back(tmp_path, url, server: Cluster):
    nodes = Nodes(tmp_path, url, receivers=2, workers=2)

    def trouble() -> None:
        for mode, pause in (("immediate", 2.0), ("fast", 0.0)):
            server.stop(mode)
            time.sleep(pause)
            server.start()
            time.sleep(3)

    witness = under_load(nodes, trouble)

    assert set(witness.answers) <= {200, 503}


@pytest.mark.long
def test_its_connections_may_be_killed_under_load(tmp_path, url, server: Cluster):
    nodes = Nodes(tmp_path, url, receivers=2, workers=2)
    killed = []

    def trouble() -> None:
        with psycopg.connect(server.url, autocommit=True) as connection:
            for _ in range(6):
                found = connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                ).fetchall()
                killed.extend(found)
                time.sleep(0.7)

    witness = under_load(nodes, trouble)

    assert len(killed) > 20
    assert set(witness.answers) <= {200, 503}


@pytest.mark.long
def test_a_worker_frozen_beyond_its_lease_repeats_nothing_when_it_wakes(tmp_path, url):
    nodes = Nodes(tmp_path, url, receivers=1, workers=3)

    def trouble() -> None:
        for worker in nodes.workers:
            worker.freeze()
            time.sleep(7)  # a lease is 3 s, a duty 5 s
            worker.wake()
            time.sleep(0.5)

    under_load(nodes, trouble)


@pytest.mark.long
@pytest.mark.parametrize("how", ["relay", "wire"])
def test_a_worker_may_be_cut_off_from_the_database(tmp_path, url, server: Cluster, how):
    nodes = Nodes(tmp_path, url, receivers=1, workers=1)
    with ExitStack() as stack:
        wire = None
        if how == "wire":
            try:
                wire = stack.enter_context(wired())
            except NotAllowed as reason:
                pytest.skip(str(reason))
        host = wire.here if wire else "127.0.0.1"
        relay = stack.enter_context(Relay(server.port, host))
        network: Wire | Relay = wire or relay
        there = url.replace(f"127.0.0.1:{server.port}", f"{host}:{relay.port}")
        nodes.workers += [
            Node(tmp_path / "far", there, "work", launcher=wire.launcher if wire else ())
        ]

        def trouble() -> None:
            for _ in range(2):
                network.cut()
                time.sleep(8)
                network.mend()
                time.sleep(3)

        under_load(nodes, trouble)
        assert (tmp_path / "far" / "effects.txt").exists()
