"""What a rule can say about several events: plain values, durations in milliseconds.

They go by the events' own `received_at`. `by` splits the events by the values of these references;
without it all events of the rule share one key. How they decide is in `windows`.
"""

from dataclasses import dataclass
from enum import StrEnum

from hookagent.rules.calendar import Calendar
from hookagent.subject import Reference


class Measure(StrEnum):
    """What a window computes of the events in it."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    DISTINCT = "distinct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Fires when a measure of the last `within_ms` reaches its limit, then counts anew."""

    measure: Measure = Measure.COUNT
    field: Reference | None = None
    """What is summed, compared or told apart; None for a count."""
    limit: float = 1
    is_at_most: bool = False
    """Whether the measure must fall to the limit (`lte`) rather than reach it (`gte`)."""
    within_ms: int = 0
    by: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """Fires for the first event and then not again for `once_ms`."""

    once_ms: int
    by: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Debounce:
    """Fires for the last event, once none has come for `quiet_ms`."""

    quiet_ms: int
    at_most_ms: int | None = None
    """The longest a first event may wait, however many follow."""
    by: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Fires when the follow-up comes within `within_ms` of the rule's event, or when it does not.

    The follow-up's own conditions are `Rule.follow`.
    """

    within_ms: int
    is_without: bool = False
    """Fires at the end of the time if the follow-up did not come."""
    by: tuple[Reference, ...] = ()
    follow_by: tuple[Reference, ...] = ()
    """What to take the key from in the follow-up, where its fields are named otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Fires when no event has come for `after_ms`, or since the schedule said one was due."""

    after_ms: int = 0
    """0 where `at` gives a schedule."""
    at: tuple[int, ...] = ()
    """Times of day, in minutes, by which an event is due on each active day."""
    grace_ms: int = 0
    """How late it may be."""
    by: tuple[Reference, ...] = ()
    active: Calendar | None = None
    """Time outside it does not count."""
    recovery: bool = False
    """Whether the first event after an alert fires too, with `absence.recovered` true."""
