"""Statistics reach the store, grow wider with age and survive an outage of the store."""

import asyncio
from collections import Counter

import pytest

from hookagent.pipeline.statistics.collector import Collector
from hookagent.pipeline.statistics.figures import encode, merged
from hookagent.pipeline.statistics.keeper import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    SLOT_MS,
    UNWRITTEN_MAX,
    Keeper,
)
from hookagent.pipeline.statistics.report import report
from hookagent.store.base import StoreUnavailable, Stretch

T0 = 1_767_225_600_000
"""Midnight UTC."""


class Clock:
    now = T0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counts():
    return Collector(str)


@pytest.fixture
def keeper(counts, store, clock, monkeypatch):
    monkeypatch.setattr("hookagent.pipeline.statistics.keeper.BREATH_S", 0)
    return Keeper(counts, store, clock, node="one", keep_ms=400 * DAY_MS)


def delivered(counts, number=1):
    for _ in range(number):
        counts.delivered(("shop", "order.paid", "accepted", "", 3))


async def fill(store, begin, end, span):
    """Keep one delivery for each stretch of a span."""
    counts = Collector(str)
    delivered(counts)
    data = encode(counts.take())
    await store.add_stretches(
        [Stretch(at=at, span=span, node="one", data=data) for at in range(begin, end, span)]
    )


async def total(store):
    found = await store.stretches(since=0, until=2**53)
    source = merged(one.data for one in found).subjects["source"]
    return source["shop"].counts["accepted"] if "shop" in source else 0


async def test_what_was_counted_is_written_by_ten_seconds(counts, keeper, store, clock):
    delivered(counts, 3)
    await keeper.flush(clock.now)
    clock.now += MINUTE_MS + 5
    delivered(counts, 2)
    await keeper.flush(clock.now)
    await keeper.flush(clock.now)

    found = await store.stretches(since=0, until=2**53)

    assert [(one.at, one.span, one.node) for one in found] == [
        (T0, SLOT_MS, "one"), (T0 + MINUTE_MS, SLOT_MS, "one"),
    ]  # fmt: skip
    assert await total(store) == 5


async def test_it_is_written_seldom_and_nothing_is_written_for_nothing(
    counts, keeper, store, clock
):
    delivered(counts)
    for _ in range(9):
        clock.now += 1_000
        await keeper.tick(clock.now)
    assert await store.stretches(since=0, until=2**53) == []
    assert len(keeper.current()) == 1
    clock.now += 1_000
    await keeper.tick(clock.now)
    assert await total(store) == 1
    assert keeper.current() == []


async def test_an_ended_agent_writes_what_it_counted(counts, keeper, store):
    task = asyncio.get_running_loop().create_task(keeper.run())
    await asyncio.sleep(0)
    delivered(counts)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await total(store) == 1


async def test_a_store_that_is_away_gets_it_later_and_memory_is_bounded(
    counts, keeper, store, clock, monkeypatch
):
    add = store.add_stretches

    async def away(_stretches):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(store, "add_stretches", away)
    for _ in range(2 * UNWRITTEN_MAX):
        delivered(counts)
        await keeper.flush(clock.now)
        clock.now += SLOT_MS
    assert len(keeper.current()) == UNWRITTEN_MAX
    monkeypatch.setattr(store, "add_stretches", add)
    await keeper.flush(clock.now)
    assert await total(store) == 2 * UNWRITTEN_MAX


async def spans_of(store):
    return Counter(one.span for one in await store.stretches(since=0, until=2**53))


async def test_old_stretches_grow_wider_and_keep_their_counts(counts, keeper, store, clock):
    await fill(store, T0, T0 + 4 * HOUR_MS, SLOT_MS)
    clock.now = T0 + 4 * HOUR_MS
    await keeper.tidy(clock.now)
    minutes, tens = await spans_of(store), 10 * MINUTE_MS
    assert minutes == {SLOT_MS: 12, MINUTE_MS: 128, tens: 11}
    for days, spans in (
        (2, {HOUR_MS: 4}), (9, {6 * HOUR_MS: 1}), (62, {DAY_MS: 1}),
    ):  # fmt: skip
        clock.now = T0 + days * DAY_MS
        await keeper.tidy(clock.now)
        assert await spans_of(store) == spans
    (day,) = await store.stretches(since=0, until=2**53)
    assert (day.at, day.span) == (T0, DAY_MS)
    assert await total(store) == 4 * 360


async def test_a_day_a_week_and_a_month_have_enough_bars(counts, keeper, store, clock):
    clock.now = T0 + 31 * DAY_MS
    await fill(store, T0, clock.now - 10 * DAY_MS, 6 * HOUR_MS)
    await fill(store, clock.now - 2 * DAY_MS, clock.now, 10 * MINUTE_MS)
    await fill(store, clock.now - 10 * DAY_MS, clock.now - 2 * DAY_MS, HOUR_MS)
    await keeper.tidy(clock.now)
    for days, least in ((1 / 24, 6), (1, 48), (7, 50), (30, 50)):
        since = int(clock.now - days * DAY_MS)
        found = await store.stretches(since=since, until=clock.now)
        shown = report(found, since=since, until=clock.now, bars=60)
        assert least <= len(shown.total.bars["accepted"]) <= 61, days
        assert len(found) < 600


async def test_what_is_too_old_goes(counts, keeper, store, clock):
    delivered(counts)
    await keeper.flush(clock.now)
    clock.now += 399 * DAY_MS
    await keeper.tidy(clock.now)
    assert await total(store) == 1
    clock.now += 3 * DAY_MS
    await keeper.tidy(clock.now)
    assert await total(store) == 0


async def test_two_agents_on_one_store_count_together(counts, keeper, store, clock):
    other_counts = Collector(str)
    other = Keeper(other_counts, store, clock, node="two", keep_ms=None)
    delivered(counts, 2)
    delivered(other_counts, 3)
    await asyncio.gather(keeper.flush(clock.now), other.flush(clock.now))
    clock.now += DAY_MS
    await asyncio.gather(keeper.tidy(clock.now), other.tidy(clock.now))
    assert await total(store) == 5
