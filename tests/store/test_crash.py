"""kill -9 in the middle of writing: what was acknowledged is there, once, and the store is whole."""

import random
import subprocess
import sys
import time

import pytest

from hookagent.store.base import EventFilter
from tests.store.making import event

WRITER = """
import asyncio, sys
from pathlib import Path
from hookagent.job import RunState
from hookagent.store.base import Routed
from hookagent.store.sqlite import SqliteStore
from tests.store.making import event, running
import msgspec

async def main(path, first):
    store = SqliteStore(path)
    await store.open()
    numbers = iter(range(first, 10**9))

    async def caller():
        for n in numbers:
            given = event(n)
            await store.accept(given, owner="w", lease_until=1)
            print("stored", n, flush=True)
            if n % 2:
                leased = running(n, given)
                await store.route("w", [Routed(event_id=given.id, runs=[leased])])
                done = msgspec.structs.replace(leased, state=RunState.DONE)
                if await store.record("w", [done]) == [True]:
                    print("done", n, flush=True)

    await asyncio.gather(*(caller() for _ in range(8)))

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


def write_and_die(path, first, seconds):
    """Run a writer for so long, kill it, and return what it said was durable."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        lines = [writer.stdout.readline()]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            lines.append(writer.stdout.readline())
        writer.kill()
        lines += writer.stdout.read().splitlines(keepends=True)
    said = [line.split() for line in lines if line.endswith("\n")]
    return {what: [int(n) for word, n in said if word == what] for what in ("stored", "done")}


async def dies_and_keeps(path, reopen, times):
    chance = random.Random(times)
    stored, done = set(), set()
    first = 1
    for _ in range(times):
        said = write_and_die(path, first, chance.uniform(0.02, 0.4))
        stored.update(said["stored"])
        done.update(said["done"])
        first = max(stored) + 1_000
        async with reopen() as store:
            assert await store.check() == []
            found = {one.id: one for one in await store.events(EventFilter(limit=1_000_000))}
            assert len({one.seq for one in found.values()}) == len(found)
            assert {event(n).id for n in stored} <= set(found)
            for n in done:
                assert found[event(n).id].runs == {"done": 1}
            assert (await store.accept(event(max(stored)))).is_duplicate


async def test_t20_nothing_acknowledged_is_lost_when_the_process_is_killed(path, reopen):
    await dies_and_keeps(path, reopen, 5)


@pytest.mark.long
async def test_t20_nothing_acknowledged_is_lost_in_two_hundred_kills(path, reopen):
    await dies_and_keeps(path, reopen, 200)
