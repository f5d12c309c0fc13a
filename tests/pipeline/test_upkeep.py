"""Adapter: retention removes what is old and ended, in batches."""

import pytest

from hookagent.config.model import StoreSettings
from hookagent.event import Event, RawRequest
from hookagent.pipeline.upkeep import Upkeep
from hookagent.store.base import EventFilter, Routed
from hookagent.verdict import Code, Verdict
from tests.pipeline.conftest import NOW

VERDICT = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)


async def store_event(store, number, at):
    event = Event(
        id=f"evt_{number:024x}",
        source="s",
        key=str(number).encode(),
        request=RawRequest(received_at=at),
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
