"""Adapter: a duty is done by one node at a time, and taken over when that one is gone."""

import asyncio

import pytest

from hookagent.pipeline import duty
from hookagent.pipeline.duty import LEASE_MS, Duties
from hookagent.store.base import StoreUnavailable
from hookagent.store.sqlite import SqliteStore
from tests.patience import PATIENCE_S
from tests.pipeline.conftest import NOW


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(duty, "RENEW_S", 0.005)
    monkeypatch.setattr(SqliteStore, "is_shared", property(lambda _: True))
    return Clock()


class Work:
    """Notes who is at it."""

    def __init__(self):
        self.at_it = []

    def of(self, name):
        async def work():
            self.at_it.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                self.at_it.remove(name)

        return work

    async def is_done_by(self, *names):
        async with asyncio.timeout(PATIENCE_S):
            while self.at_it != list(names):  # noqa: ASYNC110 - told by nobody
                await asyncio.sleep(0.005)


def begin(store, name, clock, work):
    return asyncio.ensure_future(Duties(store, name, clock).during("d", work.of(name)))


async def test_one_node_does_it_and_the_other_takes_over_when_it_ends(store, clock):
    work = Work()
    first = begin(store, "a", clock, work)
    await work.is_done_by("a")
    second = begin(store, "b", clock, work)
    await asyncio.sleep(0.05)
    assert work.at_it == ["a"]

    first.cancel()
    await work.is_done_by("b")

    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert (work.at_it, await store.duties()) == ([], [])


async def test_a_node_that_was_frozen_stops_when_it_finds_another_at_it(store, clock):
    work = Work()
    first = begin(store, "a", clock, work)
    await work.is_done_by("a")
    assert not await store.hold("d", "b", now=clock.now + LEASE_MS - 1, until=NOW * 2)

    assert await store.hold("d", "b", now=clock.now + LEASE_MS, until=NOW * 2)
    await work.is_done_by()

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_store_that_is_away_ends_it_and_its_return_begins_it_again(
    store, clock, monkeypatch
):
    work = Work()
    only = begin(store, "a", clock, work)
    await work.is_done_by("a")

    async def away(*_arguments, **_named):
        raise StoreUnavailable("away")

    with monkeypatch.context() as gone:
        gone.setattr(store, "hold", away)
        await work.is_done_by()
    await work.is_done_by("a")

    only.cancel()
    await asyncio.gather(only, return_exceptions=True)


async def test_where_one_process_owns_the_store_it_is_simply_done(store):
    work = Work()
    only = begin(store, "a", Clock(), work)
    await work.is_done_by("a")
    assert await store.duties() == []
    only.cancel()
    await asyncio.gather(only, return_exceptions=True)
