"""Adapter: what one worker does as time passes."""

import asyncio

from hookagent.store.base import RunFilter
from tests.patience import PATIENCE_S
from tests.pipeline import test_workers
from tests.pipeline.test_workers import crew, event, handed, rulebook

__all__ = ["crew"]
START = 1_800_000_000_000


async def until(is_so):
    async with asyncio.timeout(PATIENCE_S):
        while not await is_so():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


async def test_an_event_on_its_way_to_the_disk_is_not_silence(store, crew, monkeypatch):
    now, claim_events = START, store.claim_events
    monkeypatch.setattr(test_workers, "clock", lambda: now)
    (worker,) = await crew(rulebook(quiet='absence = { after = "30s" }\n'), 1)
    first, second = event(1, at=START), event(2, at=START + 29_000)
    await handed(store, worker, first)

    async def is_judged():
        return worker._overtime.next_due == START + 30_000

    await until(is_judged)

    async def claim(*args, **options):
        nonlocal now
        found = await claim_events(*args, **options)
        if now == START:  # in time, and then its commit takes longer than it should
            stored = store.accept(second, owner=worker.owner, lease_until=now + 60_000)
            stored.add_done_callback(lambda _: worker.offer(second))
            now = START + 31_000
        return found

    monkeypatch.setattr(store, "claim_events", claim)

    async def is_second_judged():
        return worker._overtime.next_due == START + 59_000

    await until(is_second_judged)
    assert await store.runs(RunFilter()) == []

    now = START + 60_000

    async def is_told():
        return bool(await store.runs(RunFilter()))

    await until(is_told)
    assert [run.event_id for run in await store.runs(RunFilter())] == [second.id]
