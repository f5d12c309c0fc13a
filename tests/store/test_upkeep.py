"""What keeps the store small: checkpoints, the ring of refusals, pruning a little at a time."""

import asyncio
import threading

from hookagent.store.base import EventFilter, Routed
from hookagent.store.rows import REJECTED_BODY_MAX
from hookagent.store.sqlite import checkpoint
from hookagent.store.sqlite import store as engine
from tests.store.conformance import settle_refusals
from tests.store.making import T0, event, refusal


async def test_the_log_does_not_grow_with_what_is_written(reopen, path, monkeypatch):
    monkeypatch.setattr(checkpoint, "EVERY_CHANGES", 100)
    log = path.with_name(path.name + "-wal")
    highest = written = 0
    async with reopen() as store:
        for n in range(0, 3_000, 50):
            batch = [event(at, body=b"x" * 4_000) for at in range(n, n + 50)]
            await asyncio.gather(*(store.accept(one) for one in batch))
            written += 50 * 4_000
            highest = max(highest, log.stat().st_size)
    assert written == 12_000_000
    assert highest < written / 2
    assert not log.exists()


async def test_only_the_newest_refusals_are_kept_and_long_bodies_cut(reopen):
    async with reopen(rejected_max=20) as store:
        for n in range(1, 51):
            store.reject(refusal(n, body=b"x" * 100_000))
            if n % 10 == 0:
                await store.keep("name", b"wait for the writer")
        await settle_refusals(store, 20)
        kept = await store.rejected(limit=100)
    assert [one.id for one in kept] == [refusal(n).id for n in range(50, 30, -1)]
    assert {len(one.request.body) for one in kept} == {REJECTED_BODY_MAX}


async def test_a_flood_of_refusals_costs_a_bounded_number_of_rows(store):
    for n in range(5_000):
        store.reject(refusal(n))
    await store.keep("name", b"wait for the writer")
    stats = await store.stats(since=0)
    assert 0 < stats.sources[0].rejected < 5_000
    assert (await store.rejected(limit=1))[0].id == refusal(4_999).id


async def test_pruning_goes_on_from_where_it_was_and_lets_others_in(store, monkeypatch):
    monkeypatch.setattr(engine, "PRUNE_CHUNK", 7)
    await asyncio.gather(*(store.accept(event(n)) for n in range(1, 101)))
    for n in range(1, 101):
        if n % 3:
            await store.route("w", [Routed(event_id=event(n).id)])
    removed = []
    while gone := (await store.prune(before=T0 + 90, limit=10)).events:
        removed.append(gone)
        assert not (await store.accept(event(1_000 + len(removed)))).is_duplicate
    assert sum(removed) == sum(1 for n in range(1, 90) if n % 3)
    assert max(removed) == 10
    left = await store.events(EventFilter(limit=200, status="stored"))
    assert len(left) == 33 + len(removed)


async def test_old_spans_of_time_leave_with_their_events(store):
    await asyncio.gather(*(store.accept(event(n)) for n in range(1, 2_500)))
    await store.route("w", [Routed(event_id=event(n).id) for n in range(1, 2_500)])
    while (await store.prune(before=T0 + 2_400, limit=1_000)).events:
        pass
    blocks = await store._readers.read(
        lambda connection: connection.execute("SELECT block FROM spans").fetchall()
    )
    assert blocks == [(2,)]
    assert len(await store.events(EventFilter(since=T0 + 2_450, limit=100))) == 50


async def test_old_minutes_go_and_the_last_of_each_source_stays(store):
    for n, source in ((0, "a"), (5, "a"), (0, "b")):
        await store.accept(event(n + (source == "b"), source=source, at=T0 + n * 60_000))
    await store.drop_stretches(before=T0 + 60 * 60_000)

    stats = await store.stats(since=0)
    assert {one.source: (one.events, one.last_received_at) for one in stats.sources} == {
        "a": (1, T0 + 300_000),
        "b": (1, T0),
    }
    assert [one.source for one in await store.activity(since=0)] == ["b", "a"]


def test_a_lock_is_let_go_of_in_time_although_the_block_goes_on():
    lock = threading.Lock()

    with checkpoint.held_at_most(lock, 0.01):
        assert lock.acquire(timeout=60)  # else it would be held to the end, and this never true
        lock.release()

    assert not lock.locked()


def test_a_lock_is_held_no_longer_than_the_block():
    lock = threading.Lock()

    with checkpoint.held_at_most(lock, 3_600):
        assert lock.locked()

    assert not lock.locked()


async def test_a_commit_does_not_wait_for_a_checkpoints_sync(reopen, monkeypatch):
    monkeypatch.setattr(checkpoint, "IDLE_SECONDS", 3_600)
    is_syncing, may_end = threading.Event(), threading.Event()
    copies = []
    copy = checkpoint._copy

    def slow(connection):
        copies.append(1)
        if len(copies) == 2:  # the one that syncs the bulk
            is_syncing.set()
            assert may_end.wait(60)
        return copy(connection)

    monkeypatch.setattr(checkpoint, "_copy", slow)
    async with reopen() as store:
        await store.accept(event(1))
        working = asyncio.ensure_future(asyncio.to_thread(store._checkpoints._checkpoint))
        assert await asyncio.to_thread(is_syncing.wait, 60)

        accepted = await asyncio.wait_for(store.accept(event(2)), 60)

        may_end.set()
        await working
    assert not accepted.is_duplicate
    assert len(copies) == 3
