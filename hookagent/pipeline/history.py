"""Stored events of the past, decoded as their sources say, in the order they came."""

from collections.abc import AsyncIterator, Callable, Mapping

import msgspec

from hookagent.config.model import Source
from hookagent.errors import UsageError, did_you_mean
from hookagent.event import Event
from hookagent.job import RunState
from hookagent.pipeline.gate import value_of
from hookagent.store.base import EventFilter, Store

PAGE = 500
"""Events listed at once."""
STATES = ("stored", "routed", "quiet", *(str(state) for state in RunState))
"""The words of a filter's `status`."""


def check_status(status: str) -> None:
    """Raise UsageError for a word that no event's state can be."""
    if status and status not in STATES:
        near = did_you_mean(status, STATES)
        raise UsageError(f"no status `{status}`", hint=near or "known: " + ", ".join(STATES))


async def history(
    store: Store,
    sources: Mapping[str, Source],
    wanted: EventFilter,
    *,
    told: Callable[[int], None] | None = None,
) -> AsyncIterator[Event]:
    """Yield the latest `wanted.limit` events of a filter, the oldest of them first.

    `told` is called before the first with how many there are.
    """
    ids: list[str] = []
    before = wanted.before
    while len(ids) < wanted.limit:
        size = min(PAGE, wanted.limit - len(ids))
        page = await store.events(msgspec.structs.replace(wanted, before=before, limit=size))
        ids += [summary.id for summary in page]
        if len(page) < size:
            break
        before = page[-1].seq
    if told is not None:
        told(len(ids))
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


async def count_until(store: Store, moment: int) -> int:
    """Return how many events there are at most that were received before a moment.

    Told from their sequence numbers, so it costs two seeks; gaps between them are counted.
    """
    last = await store.events(EventFilter(until=max(moment - 1, 1), limit=1))
    if not last:
        return 0
    second = await store.events(EventFilter(after=1, limit=1))
    first = second[0].seq if second and second[0].seq > 2 else 1  # noqa: PLR2004 - `after` leaves 1 out
    return max(last[0].seq - first + 1, 0)
