"""`window`: at least so many events, or so much of a field, within a stretch of time.

The window slides with the events: whenever one comes, those of the last `within` are measured. When
the measure reaches its limit the rule fires and counting begins anew.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hookagent.event import Event
from hookagent.eventfile import format_time
from hookagent.rules import shown
from hookagent.rules.overtime import Measure, Window
from hookagent.rules.remembered import (
    Firing,
    InUse,
    Remembered,
    State,
    forget_at,
    key_of,
    recall,
)
from hookagent.rules.scope import Scope, elements

ENTRIES_MAX = 10_000
"""Events one key remembers; the oldest are let go first, and the facts say so."""


NOTHING = [None]
"""What an event adds to a count: itself."""


class Entries(msgspec.Struct, array_like=True):
    """What is in the window, oldest first, as columns: they are copied, read and written fast."""

    times: list[int]
    values: list[Any]
    """One for each time; empty for a count."""
    is_cut: bool = False

    def copied(self) -> "Entries":
        """Return the same, to go on from."""
        return Entries(self.times.copy(), self.values.copy(), self.is_cut)

    def put(self, at: int, value: Any, *, has_value: bool) -> None:
        """Add an entry at its place in time."""
        is_newest = not self.times or at >= self.times[-1]
        place = len(self.times) if is_newest else bisect_right(self.times, at)
        self.times.insert(place, at)
        if has_value:
            self.values.insert(place, value)

    def drop(self, count: int) -> None:
        """Let the oldest go."""
        del self.times[:count]
        del self.values[:count]


class Counted(InUse):
    """The times of a count, between two places of a list that others may go on from as well.

    What is counted in is put at the list's end; whoever still has what was there before sees that
    by the length of the list, and goes on from a copy.
    """

    __slots__ = ("end", "start", "times")

    def __init__(self, times: list[int], start: int, end: int) -> None:
        self.times = times
        self.start = start
        self.end = end

    @classmethod
    def of(cls, state: State | None) -> "Counted | None":
        """Return the same to go on from, None for what is more than a count."""
        if isinstance(state, Counted):
            return state
        kept = recall(Entries, state) or Entries([], [])
        return None if kept.values or kept.is_cut else cls(kept.times.copy(), 0, len(kept.times))

    def to_keep(self) -> Entries:
        return Entries(self.times[self.start : self.end], [])


def _recalled(state: State | None) -> Entries:
    if isinstance(state, Counted):
        return state.to_keep()
    return recall(Entries, state) or Entries([], [])


def arrive(window: Window, state: State | None, event: Event) -> Remembered:
    """Count an event in, and say whether that fills the window."""
    kept = _recalled(state)
    at = event.received_at
    if window.field is None and (not kept.times or at >= kept.times[-1]):
        kept = Entries([*kept.times, at], [], kept.is_cut)
    else:
        kept = kept.copied()
        for value in _values(window, event):
            kept.put(at, value, has_value=window.field is not None)
    if not kept.times:
        return Remembered()
    newest = kept.times[-1]
    first = newest - window.within_ms
    if kept.times[0] <= first:
        kept.drop(bisect_right(kept.times, first))
    if len(kept.times) > ENTRIES_MAX:
        kept.drop(len(kept.times) - ENTRIES_MAX)
        kept.is_cut = True
    measured = MEASURES[window.measure](kept)
    if measured <= window.limit if window.is_at_most else measured >= window.limit:
        facts = {"window": _facts(window, kept, measured), "key": key_of(window.by, event).facts}
        return Remembered(firings=[Firing(event_id=event.id, at=at, facts=facts)])
    return Remembered(state=kept, due_at=forget_at(newest + window.within_ms))


def _values(window: Window, event: Event) -> list[Any]:
    """Return what an event adds: itself, or the values of the measured field."""
    if window.field is None:
        return NOTHING
    found = elements(Scope(event).values(window.field))
    if window.measure is Measure.DISTINCT:
        return [value for value in found if isinstance(value, str | int | float | bool)]
    return [v for v in found if isinstance(v, int | float) and not isinstance(v, bool)]


MEASURES: Mapping[Measure, Callable[[Entries], float]] = {
    Measure.COUNT: lambda kept: len(kept.times),
    Measure.SUM: lambda kept: sum(kept.values),
    Measure.MIN: lambda kept: min(kept.values),
    Measure.MAX: lambda kept: max(kept.values),
    Measure.DISTINCT: lambda kept: len({(type(it) is bool, it) for it in kept.values}),
}
"""How each measure is computed; a truth value is not the number it equals in Python."""


def _facts(window: Window, kept: Entries, measured: float) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "count": len(kept.times),
        "within": shown.duration(window.within_ms),
        "first_at": format_time(kept.times[0]),
        "last_at": format_time(kept.times[-1]),
    }
    if window.measure is not Measure.COUNT:
        facts[window.measure.value] = measured
    if kept.is_cut:
        facts["is_cut"] = True
    return facts
