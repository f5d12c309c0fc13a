"""Stored events of the past, decoded as their sources say, in the order they came."""

from collections.abc import AsyncIterator, Mapping

import msgspec

from hookagent.config.model import Source
from hookagent.event import Event
from hookagent.pipeline.gate import value_of
from hookagent.store.base import EventFilter, Store

PAGE = 500
"""Events listed at once."""


async def history(
    store: Store, sources: Mapping[str, Source], wanted: EventFilter
) -> AsyncIterator[Event]:
    """Yield the latest `wanted.limit` events of a filter, the oldest of them first."""
    ids: list[str] = []
    before = wanted.before
    while len(ids) < wanted.limit:
        size = min(PAGE, wanted.limit - len(ids))
        page = await store.events(msgspec.structs.replace(wanted, before=before, limit=size))
        ids += [summary.id for summary in page]
        if len(page) < size:
            break
        before = page[-1].seq
    for event_id in reversed(ids):
        record = await store.event(event_id)
        if record is not None:
            yield decoded(record.event, sources)


def decoded(event: Event, sources: Mapping[str, Source]) -> Event:
    """Return the event with its payload, which the store does not keep."""
    if event.payload is not None:
        return event
    value = value_of(sources.get(event.source), event.request)
    return msgspec.structs.replace(event, payload=value)
