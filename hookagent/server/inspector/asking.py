"""What a request to the interface asks for, read strictly: its JSON, its query, its event."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from hookagent.config.model import Config
from hookagent.errors import NotFound, UsageError
from hookagent.event import Headers
from hookagent.eventfile import Captured, parse_time
from hookagent.located import parse_duration
from hookagent.pipeline.history import check_status
from hookagent.pipeline.masking import masked
from hookagent.pipeline.refusals import means_refused
from hookagent.redact import Redactor
from hookagent.store.base import EventFilter, EventRecord, Rejected, Store

PAGE_MAX = 500
"""Entries of one page."""
NAMES_SHOWN = 5
REFUSED_ID = "rej_"
"""How the id of a refused delivery begins."""
T = TypeVar("T", bound=msgspec.Struct)


async def asked(request: web.Request, form: type[T]) -> T:
    """Read the JSON body. Raises UsageError for anything but the form."""
    try:
        return msgspec.json.decode(await request.read(), type=form)
    except msgspec.DecodeError as error:
        raise UsageError(f"the request does not hold what is needed: {error}") from None


async def event_or_fail(store: Store, event_id: str) -> EventRecord:
    """Return an event. Raises NotFound with ids that begin alike."""
    record = await store.event(event_id)
    if record is None:
        near = await store.event_ids_like(event_id[:12], NAMES_SHOWN)
        raise NotFound.among("event", event_id[:80], near, none="`GET /api/events` lists them")
    return record


async def refusal_or_fail(store: Store, rejected_id: str) -> Rejected:
    """Return a refused delivery. Raises NotFound."""
    found = await store.rejection(rejected_id)
    if found is None:
        raise NotFound(f"no refused delivery `{rejected_id[:80]}`", hint="only the latest are kept")
    return found


async def captured_or_fail(store: Store, name: str) -> Captured:
    """Return an event or a refused delivery as it came. Raises NotFound."""
    if name.startswith(REFUSED_ID):
        refused = await refusal_or_fail(store, name)
        return Captured(request=refused.request, id=refused.id, source=refused.source)
    event = (await event_or_fail(store, name)).event
    return Captured(request=event.request, id=event.id, source=event.source, type=event.type)


def shown(captured: Captured, config: Config) -> Captured:
    """Return what may be seen of it.

    Of a refused delivery also what looks like a signature is masked: nothing proved that it is one.
    """
    safe = masked(captured, config)
    if not captured.id.startswith(REFUSED_ID):
        return safe
    redactor = Redactor(())
    fields = [(name, redactor.field(name, value)) for name, value in safe.request.headers.items()]
    request = msgspec.structs.replace(safe.request, headers=Headers.of(fields))
    return msgspec.structs.replace(safe, request=request)


def event_filter(query: Mapping[str, str], now: int) -> EventFilter:
    """Make the store's filter from a query string. Raises UsageError."""
    means_refused(query.get("verdict", ""))
    check_status(query.get("status", ""))
    return EventFilter(
        source=query.get("source", ""),
        type=query.get("type", ""),
        status=query.get("status", ""),
        verdict=query.get("verdict", ""),
        rule=query.get("rule", ""),
        origin=query.get("origin", ""),
        parent=query.get("parent", ""),
        text=query.get("text", ""),
        since=moment(query, "since", now),
        until=moment(query, "until", now),
        before=number(query, "before", 0),
        after=number(query, "after", 0),
        limit=page_size(query),
    )


def page_size(query: Mapping[str, str], default: int = 100) -> int:
    """Read how many entries a page is to have. Raises UsageError."""
    limit = number(query, "limit", default)
    if not 1 <= limit <= PAGE_MAX:
        raise UsageError(f"`limit` is not between 1 and {PAGE_MAX}")
    return limit


def number(query: Mapping[str, str], name: str, default: int) -> int:
    """Read a whole number of the query. Raises UsageError."""
    text = query.get(name, "")
    if not text:
        return default
    try:
        return msgspec.convert(text, int, strict=False)
    except msgspec.ValidationError:
        raise UsageError(f"`{name}` is not a whole number") from None


def moment(query: Mapping[str, str], name: str, now: int) -> int:
    """Read `2h` (ago), an RFC 3339 time or Unix milliseconds. Raises UsageError."""
    text = query.get(name, "").strip()
    if not text:
        return 0
    if text.isascii() and text.isdigit():
        return int(text[:15])
    duration = parse_duration(text)
    if duration is not None:
        return now - duration
    try:
        return parse_time(text)
    except ValueError:
        raise UsageError(
            f"`{name}` is not a time", hint="write 30m, 2h, 7d, or a time such as 2026-01-31T12:00"
        ) from None
