"""Internal events: what the `emit` action asks for, stored like any other event.

No request made them, so no signature covers them; they are what our own rules said. The step's
idempotency key is the event's key, so a repeated try finds the event that is there already.
"""

from collections.abc import Callable
from hashlib import sha256

import msgspec

from hookagent.actions.base import HOP_HEADER, Emission, Emit
from hookagent.event import Event, Headers, Origin, RawRequest, new_id
from hookagent.pipeline.feed import Delivered, Feed
from hookagent.pipeline.ingest import Desk
from hookagent.store.base import Store
from hookagent.verdict import Code, Verdict

TARGET = "/internal"


def emitter(
    store: Store,
    desk: Desk,
    feed: Feed,
    *,
    clock: Callable[[], int],
    entropy: Callable[[], int],
) -> Emit:
    """Return what stores an internal event and returns its id. Raises StoreUnavailable."""

    async def emit(emission: Emission) -> str:
        now = clock()
        event = event_of(emission, event_id=new_id("evt", now, entropy()), now=now)
        is_quiet = not desk.wants(event)
        lease = 0 if is_quiet else desk.lease(now)
        owner = desk.owner if lease else ""
        accepted = await store.accept(event, owner=owner, lease_until=lease, is_quiet=is_quiet)
        if not accepted.is_duplicate:
            if is_quiet:
                desk.note(event)
            elif lease:
                desk.offer(event)
            _tell(feed, event, now)
        return accepted.id

    return emit


def event_of(emission: Emission, *, event_id: str, now: int) -> Event:
    """Make the event of an emission."""
    headers = {"Content-Type": "application/json", HOP_HEADER: str(emission.hop)}
    if emission.traceparent:
        headers["traceparent"] = emission.traceparent
    request = RawRequest(
        method="POST",
        target=TARGET,
        headers=Headers.of(headers),
        body=msgspec.json.encode(emission.payload),
        received_at=now,
    )
    return Event(
        id=event_id,
        source=emission.source,
        type=emission.type,
        key=sha256(b"emit:" + emission.key.encode()).digest(),
        request=request,
        verdict=Verdict(valid=True, scheme="internal", code=Code.UNCHECKED),
        origin=Origin.INTERNAL,
        parent=emission.parent,
        payload=emission.payload,
    )


def _tell(feed: Feed, event: Event, now: int) -> None:
    if feed.has_listeners:
        feed.publish(
            Delivered(
                at=now,
                outcome="accepted",
                status=200,
                source=event.source,
                id=event.id,
                type=event.type,
                code=str(event.verdict.code),
                origin=str(event.origin),
                parent=event.parent,
                size=len(event.request.body),
            )
        )


def timer_event(event_id: str, at: int) -> Event:
    """Return the event of a run that time alone began; `at` is Unix milliseconds."""
    return Event(
        id=event_id,
        source="hookagent",
        type="timer",
        request=RawRequest(received_at=at),
        verdict=Verdict(valid=True, scheme="none", code=Code.UNCHECKED),
        origin=Origin.INTERNAL,
    )
