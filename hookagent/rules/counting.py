"""`window`: at least so many events, or so much of a field, within a stretch of time.

The window slides with the events: whenever one comes, those of the last `within` are measured. When
the measure reaches its limit the rule fires and counting begins anew.
"""

from bisect import insort
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hookagent.event import Event
from hookagent.eventfile import format_time
from hookagent.rules import shown
from hookagent.rules.overtime import Measure, Window
from hookagent.rules.remembered import (
    Firing,
    Key,
    Remembered,
    forget_at,
    recall,
    remember,
)
from hookagent.rules.scope import Scope, elements

ENTRIES_MAX = 10_000
"""Events one key remembers; the oldest are let go first, and the facts say so."""


class Entry(msgspec.Struct, array_like=True, order=True):
    """One event in the window."""

    at: int
    value: Any = None


class Entries(msgspec.Struct, array_like=True):
    """The events in the window, oldest first."""

    entries: list[Entry]
    is_cut: bool = False


def arrive(window: Window, state: bytes | None, event: Event, key: Key) -> Remembered:
    """Count an event in, and say whether that fills the window."""
    kept = recall(Entries, state) or Entries([])
    at = event.received_at
    for value in _values(window, event):
        insort(kept.entries, Entry(at, value), key=_time)
    newest = max(at, kept.entries[-1].at) if kept.entries else at
    first = newest - window.within_ms
    if kept.entries and kept.entries[0].at <= first:
        kept.entries = [entry for entry in kept.entries if entry.at > first]
    if len(kept.entries) > ENTRIES_MAX:
        kept = Entries(kept.entries[-ENTRIES_MAX:], is_cut=True)
    measured = MEASURES[window.measure](kept.entries)
    if kept.entries and _is_reached(window, measured):
        facts = {"window": _facts(window, kept, measured), "key": key.facts}
        return Remembered(firings=[Firing(event_id=event.id, at=at, facts=facts)])
    if not kept.entries:
        return Remembered()
    return Remembered(state=remember(kept), due_at=forget_at(newest + window.within_ms))


def _time(entry: Entry) -> int:
    return entry.at


def _values(window: Window, event: Event) -> list[Any]:
    """Return what an event adds: itself, or the values of the measured field."""
    if window.field is None:
        return [None]
    found = elements(Scope(event).values(window.field))
    if window.measure is Measure.DISTINCT:
        return [value for value in found if isinstance(value, str | int | float | bool)]
    return [v for v in found if isinstance(v, int | float) and not isinstance(v, bool)]


def _is_reached(window: Window, measured: float | None) -> bool:
    if measured is None:
        return False
    return measured <= window.limit if window.is_at_most else measured >= window.limit


MEASURES: Mapping[Measure, Callable[[list[Entry]], float | None]] = {
    Measure.COUNT: len,
    Measure.SUM: lambda entries: sum(entry.value for entry in entries),
    Measure.MIN: lambda entries: min((entry.value for entry in entries), default=None),
    Measure.MAX: lambda entries: max((entry.value for entry in entries), default=None),
    Measure.DISTINCT: lambda entries: len({(type(e.value) is bool, e.value) for e in entries}),
}
"""How each measure is computed; a truth value is not the number it equals in Python."""


def _facts(window: Window, kept: Entries, measured: float | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "count": len(kept.entries),
        "within": shown.duration(window.within_ms),
        "first_at": format_time(kept.entries[0].at),
        "last_at": format_time(kept.entries[-1].at),
    }
    if window.measure is not Measure.COUNT:
        facts[window.measure.value] = measured
    if kept.is_cut:
        facts["is_cut"] = True
    return facts
