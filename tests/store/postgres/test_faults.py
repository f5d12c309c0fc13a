"""The database goes away and comes back: nothing confirmed is lost, nothing is there twice."""

import asyncio
import contextlib
import random
import subprocess
import sys
import threading
import time

import psycopg
import pytest

from hookagent.store.base import EventFilter, StoreFull, StoreUnavailable
from hookagent.store.postgres import PostgresStore, read_address
from tests.patience import PATIENCE_S
from tests.store.making import event, refusal

MODULE = "tests.store.postgres.nodes"


class Nodes:
    """Processes that write, and what they said."""

    def __init__(self, url, nodes, count):
        self.said: dict[str, list[int]] = {"stored": [], "done": [], "end": []}
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", MODULE, url, f"n{at}", str(1 + at * 100_000), str(count)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for at in range(nodes)
        ]
        for process in self._processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        self._readers = [
            threading.Thread(target=self._read, args=[process]) for process in self._processes
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, process):
        for line in process.stdout:
            word, _, number = line.strip().partition(" ")
            self.said[word].append(int(number or 0))

    @property
    def are_busy(self):
        return any(process.poll() is None for process in self._processes)

    def wait(self, seconds):
        for process in self._processes:
            process.wait(seconds)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        assert [process.returncode for process in self._processes] == [0] * len(self._processes)

    def kill(self):
        for process in self._processes:
            process.kill()
            process.wait()
        for reader in self._readers:
            reader.join()
        for process in self._processes:
            assert process.stdout
            process.stdout.close()


@contextlib.contextmanager
def nodes_that_write(url, nodes, count):
    made = Nodes(url, nodes, count)
    try:
        yield made
    finally:
        made.kill()


async def check(url, said, nodes, count):
    """Compare what is there with what was confirmed."""
    wanted = {event(at * 100_000 + n).id for at in range(nodes) for n in range(1, count + 1)}
    assert {event(n).id for n in said["stored"]} == wanted
    store = PostgresStore(read_address(url))
    await store.open()
    try:
        found = {one.id: one for one in await store.events(EventFilter(limit=1_000_000))}
        assert set(found) == wanted
        assert len({one.seq for one in found.values()}) == len(found)
        for one in found.values():
            assert one.runs == {"done": 1}
        stats = await store.stats(since=0)
        assert stats.events == len(wanted)
        assert (stats.runs, stats.unrouted) == ({"done": len(wanted)}, 0)
    finally:
        await store.close()


async def test_backends_that_are_killed_under_load_lose_and_double_nothing(server, url):
    chance = random.Random(1)
    schema = read_address(url).schema
    await kill_and_check(server, url, chance, schema, nodes=2, count=400)


@pytest.mark.long
async def test_backends_that_are_killed_for_a_minute_lose_and_double_nothing(server, url):
    chance = random.Random(2)
    schema = read_address(url).schema
    await kill_and_check(server, url, chance, schema, nodes=3, count=8_000)


async def kill_and_check(server, url, chance, schema, *, nodes, count):
    named = f"{url}&application_name={schema}"
    kills = 0
    with (
        nodes_that_write(named, nodes, count) as made,
        psycopg.connect(server, autocommit=True) as own,
    ):
        while made.are_busy:
            await asyncio.sleep(chance.uniform(0.05, 0.2))
            rows = own.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
                " AND random() < 0.4",
                [schema],
            ).fetchall()
            kills += len(rows)
        made.wait(PATIENCE_S)
    assert kills > 3
    await check(url, made.said, nodes, count)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_restart_of_the_server_is_ridden_out(cluster, mode):
    """`immediate` ends the server as a crash does."""
    with (cluster.folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write("fsync = on\n")
    with nodes_that_write(cluster.url, 2, 600) as made:
        for _ in range(2):
            await asyncio.sleep(0.5)
            await asyncio.to_thread(cluster.stop, mode)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(cluster.start)
        await asyncio.to_thread(made.wait, 2 * PATIENCE_S)
    await check(cluster.url, made.said, 2, 600)


async def test_while_it_is_away_nothing_is_promised_and_nobody_waits_long(cluster):
    store = PostgresStore(read_address(cluster.url))
    await store.open()
    try:
        await store.accept(event(1))
        await asyncio.to_thread(cluster.stop)
        for n in (2, 3, 4):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable, match="is unavailable"):
                await store.accept(event(n))
            assert time.monotonic() - began < 20  # an answer would be waited for for longer
        with pytest.raises(StoreUnavailable):
            await store.events(EventFilter())
        with pytest.raises(StoreUnavailable):
            await store.claim_events("w", now=1, lease_until=2, limit=1)
        store.reject(refusal(1))
        await asyncio.to_thread(cluster.start)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(StoreUnavailable):
                    assert not (await store.accept(event(5))).is_duplicate
                    break
                await asyncio.sleep(0.05)
        assert [one.id for one in await store.events(EventFilter())] == [event(5).id, event(1).id]
    finally:
        await store.close()


async def test_a_queue_at_its_bound_refuses_at_once(url):
    store = PostgresStore(read_address(url), queue_max=10)
    await store.open()
    try:
        pending = [store.accept(event(n)) for n in range(1, 11)]
        with pytest.raises(StoreFull):
            await store.accept(event(11))
        assert len({answer.id for answer in await asyncio.gather(*pending)}) == 10
        assert not (await store.accept(event(11))).is_duplicate
    finally:
        await store.close()


async def test_what_is_queued_is_written_before_the_store_closes(url, reopen):
    async with reopen() as store:
        pending = [store.accept(event(n)) for n in range(1, 700)]
    assert len({answer.id for answer in await asyncio.gather(*pending)}) == 699


async def test_a_commit_that_hangs_is_given_up(url, reopen, monkeypatch):
    """Somebody holds a lock on what is to be written: the wait has an end."""
    async with reopen() as store:
        await store.accept(event(1))
        session = await store._connect()
        async with session.transaction():
            await session.fetch("LOCK TABLE hook.keys IN ACCESS EXCLUSIVE MODE")
            with monkeypatch.context() as short:
                short.setattr("hookagent.store.postgres.writer.ANSWER_S", 0.5)
                with pytest.raises(StoreUnavailable):
                    await store.accept(event(2))
        await session.close()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(StoreUnavailable):
                    await store.accept(event(3))
                    break
                await asyncio.sleep(0.05)
