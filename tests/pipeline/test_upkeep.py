"""Adapter: retention removes what is old and ended, in batches."""

import pytest

from hookagent.config.model import StoreSettings
from hookagent.event import Event, RawRequest
from hookagent.pipeline.upkeep import Upkeep
from hookagent.store.base import EventFilter, Routed
from hookagent.verdict import Code, Verdict
from tests.pipeline.conftest import NOW

VERDICT = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)


async def store_event(store, number, at, body=b""):
    event = Event(
        id=f"evt_{number:024x}",
        source="s",
        key=str(number).encode(),
        request=RawRequest(received_at=at, body=body),
        verdict=VERDICT,
    )
    await store.accept(event, owner="w", lease_until=at + 1)
    return event.id


@pytest.mark.parametrize(("retention", "left"), [(1_000, 1), (None, 2)])
async def test_only_what_is_past_its_retention_goes(store, retention, left):
    ids = [await store_event(store, 1, NOW - 5_000), await store_event(store, 2, NOW)]
    await store.route("w", [Routed(event_id=one) for one in ids])
    upkeep = Upkeep(store, StoreSettings(url="", retention_ms=retention), lambda: NOW)

    removed = await upkeep.prune()

    assert removed == 2 - left
    assert len(await store.events(EventFilter())) == left


async def test_beyond_the_cap_the_oldest_finished_events_go(store):
    before = (await store.stats(since=0)).used_bytes
    body = b"x" * 4_000
    ids = [await store_event(store, n, NOW - 1_000 + n, body) for n in range(600)]
    await store.route("w", [Routed(event_id=one) for one in ids[5:]])
    full = (await store.stats(since=0)).used_bytes
    cap = before + (full - before) // 2
    upkeep = Upkeep(store, StoreSettings(url="", max_bytes=cap), lambda: NOW)

    removed = await upkeep.shrink()

    stats = await store.stats(since=0)
    left = [one.id for one in await store.events(EventFilter(limit=1_000))]
    assert 0 < removed < 595
    assert stats.used_bytes <= cap
    assert left[-5:] == ids[4::-1]  # not routed yet, so they stay
    assert left[0] == ids[-1]
    assert await upkeep.shrink() == 0


async def test_what_is_not_finished_stays_beyond_the_cap(store):
    for n in range(10):
        await store_event(store, n, NOW)

    assert await Upkeep(store, StoreSettings(url="", max_bytes=1), lambda: NOW).shrink() == 0
    assert len(await store.events(EventFilter())) == 10
