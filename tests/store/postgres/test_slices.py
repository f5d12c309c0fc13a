"""Events lie in slices, one a day: the oldest go as a whole, what is not finished stays."""

import asyncio
from typing import Any

import msgspec
import pytest

from hookagent.job import RunState
from hookagent.store.base import EventFilter, Routed, RunFilter, StoreUnavailable
from hookagent.store.postgres import pruning, search, slices
from tests.patience import PATIENCE_S
from tests.store.making import T0, event, running
from tests.store.postgres.test_schema import statement

DAY = slices.SLICE_MS


async def settle(store):
    """Wait for what the store does in the background."""
    async with asyncio.timeout(PATIENCE_S):
        while store._tasks:  # noqa: ASYNC110 - it is announced nowhere
            await asyncio.sleep(0.01)


def partitions(url):
    rows = statement(
        url,
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'hook.events'::regclass",
    )
    return sorted(int(name.strip('"').rpartition("_")[2]) for (name,) in rows)


async def days(store, count, each=6, rule="label"):
    """Accept `each` events on each of so many days; the last one of a day ends dead."""
    given = []
    for day in range(count):
        today = [event(100 * day + n, at=T0 + day * DAY + n) for n in range(1, each + 1)]
        for one in today[:1]:
            await store.accept(one)
            await settle(store)
        await asyncio.gather(*(store.accept(one) for one in today[1:]))
        given.append(today)
    for today in given:
        for one in today:
            n = int(one.id[-12:], 16)
            of = running(n, one, rule)
            await store.route("w", [Routed(event_id=one.id, runs=[of])])
            state = RunState.DEAD if one is today[-1] else RunState.DONE
            await store.record("w", [msgspec.structs.replace(of, state=state, owner="")])
    return given


async def test_a_slice_is_begun_each_day_and_lists_go_across(url, reopen):
    async with reopen() as store:
        given = await days(store, 4)
        numbers = partitions(url)
        assert len(numbers) == 4 + slices.AHEAD
        every = [one.id for today in given for one in today]
        found = await store.events(EventFilter(limit=100))
        assert [one.id for one in reversed(found)] == every
        paged = []
        after = 1
        while page := await store.events(EventFilter(after=after, limit=5)):
            paged += [one.id for one in page]
            after = page[-1].seq
        assert paged == every
        second = await store.events(EventFilter(since=T0 + DAY, until=T0 + 2 * DAY - 1, limit=100))
        assert [one.id for one in reversed(second)] == [one.id for one in given[1]]
        assert (await store.accept(event(102, id="evt_again", at=T0 + 3 * DAY))).is_duplicate


async def test_old_slices_are_dropped_and_what_is_not_finished_stays(url, reopen, monkeypatch):
    monkeypatch.setattr(pruning, "SMALL_SLICE", 3)
    monkeypatch.setattr(pruning, "CHUNK", 2)
    async with reopen() as store:
        given = await days(store, 4)
        before = partitions(url)
        # The first event of a day is the last of the slice before: it is what turns it.
        assert statement(url, f"SELECT count(*) FROM hook.events_{before[0]}") == [(7,)]
        pruned = await store.prune(before=T0 + 2 * DAY + DAY // 2, limit=100)
        dead = {today[-1].id for today in given[:2]}
        left = {one.id for one in await store.events(EventFilter(limit=100))}
        assert left == dead | {one.id for today in given[2:] for one in today} - {given[2][0].id}
        assert (pruned.events, pruned.runs) == (11, 11)
        stats = await store.stats(since=0)
        assert stats.events == len(left)
        assert sum(stats.runs.values()) == len(await store.runs(RunFilter(limit=100))) == len(left)
        assert statement(url, "SELECT count(*) FROM hook.keys") == [(len(left),)]
        assert partitions(url) == before
        assert not (await store.accept(event(2, id="evt_new", at=T0 + 3 * DAY))).is_duplicate
        assert (await store.accept(event(6, id="evt_other", at=T0 + 3 * DAY))).is_duplicate
        for event_id in dead:
            (of,) = await store.runs(RunFilter(event_id=event_id))
            await store.discard(of.id, now=T0)
        for removed in (2, 0):  # by the row, as they are few; then their empty slices
            pruned = await store.prune(before=T0 + 2 * DAY + DAY // 2, limit=100)
            assert pruned.events == removed
        assert partitions(url) == before[2:]


async def test_nodes_that_turn_at_once_begin_one_slice(url, reopen):
    async with reopen() as one, reopen() as other:
        await one.accept(event(1))
        await settle(one)
        before = partitions(url)
        await asyncio.gather(
            *(node.accept(event(n, at=T0 + DAY + n)) for n in range(2, 40) for node in (one, other))
        )
        await settle(one)
        await settle(other)
        assert len(partitions(url)) == len(before) + 1
        seqs = [found.seq for found in await one.events(EventFilter(limit=100))]
        assert len(seqs) == 39


async def test_events_older_than_the_slice_begin_none(url, reopen):
    async with reopen() as store:
        await store.accept(event(1, at=T0))
        await settle(store)
        before = partitions(url)
        for n in (2, 3, 4):
            await store.accept(event(n, at=T0 - (n % 2) * 100 * DAY))
            await settle(store)
        assert partitions(url) == before
        found = await store.events(EventFilter(until=T0 - DAY))
        assert [one.id for one in found] == [event(3, at=T0 - 100 * DAY).id]


async def test_accepting_goes_on_while_slices_are_begun_and_dropped(url, reopen, monkeypatch):
    monkeypatch.setattr(pruning, "SMALL_SLICE", 3)
    async with reopen() as store, reopen() as other:
        accepted = []

        async def send(first):
            for n in range(first, first + 150):
                answer = await store.accept(
                    event(n, at=T0 + (n % 1000) * DAY // 10), owner="w", lease_until=T0
                )
                accepted.append(answer.id)
                await store.route("w", [Routed(event_id=answer.id)])

        async def prune():
            for _ in range(10):
                await other.prune(before=T0 + 5 * DAY, limit=100)
                await asyncio.sleep(0.05)

        await asyncio.gather(*(send(1 + at * 1000) for at in range(4)), prune())
        await settle(store)
        await other.prune(before=T0 + 5 * DAY, limit=10_000)
        left = {one.id for one in await store.events(EventFilter(limit=1000))}
        assert {one for one in accepted if int(one[4:16], 16) >= T0 + 5 * DAY} <= left
        assert (await store.stats(since=0)).events == len(left)


async def test_finished_slices_are_searched_by_an_index_and_the_newest_by_reading(url, reopen):
    async with reopen() as store:
        for day in range(3):
            for n in range(1, 30):
                body = (
                    b'{"name": "Whale %d", "percent": "5%%_\\"}' % n
                    if n % 7 == 0
                    else b"\xff plain"
                )
                at = T0 + day * DAY + n
                await store.accept(event(100 * day + n, at=at, body=body, type=f"t{n % 2}"))
                await settle(store)

        async def find(**wanted):
            return [one.id for one in await store.events(EventFilter(limit=100, **wanted))]

        asked: list[dict[str, Any]] = [
            {"text": "whale 7"},
            {"text": "WHALE"},
            {"text": "WHALE", "type": "t0"},
            {"text": "whale", "status": "stored"},
            {"text": "whale", "since": T0 + DAY},
            {"text": "whale", "after": 1},
            {"text": '5%_\\"'},
            {"text": "\ufffd pl"},
            {"text": "wh"},
            {"text": "whales"},
        ]
        before = [await find(**wanted) for wanted in asked]
        assert [len(found) for found in before] == [3, 12, 6, 12, 8, 12, 12, 75, 12, 0]
        await store.prune(before=0, limit=1)
        await settle(store)
        indexed = statement(url, "SELECT count(*) FROM hook.slices WHERE is_searchable")
        (trigrams,) = statement(
            url, "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_trgm'"
        )
        assert indexed == [(2 if trigrams[0] else 0,)]
        assert [await find(**wanted) for wanted in asked] == before
        assert len(await find(text="whale", since=T0 + DAY, until=T0 + DAY + 20)) == 2


async def test_a_search_that_takes_too_long_is_given_up(reopen, monkeypatch):
    monkeypatch.setattr(search, "SEARCH_S", -1.0)
    async with reopen() as store:
        await store.accept(event(1))
        with pytest.raises(StoreUnavailable, match="took longer") as refused:
            await store.events(EventFilter(text="nothing like it"))
        assert "narrow it" in (refused.value.hint or "")
