"""`throttle` and `debounce`: how often a rule may fire, and when a burst of events is over."""

import msgspec

from hookagent.event import Event
from hookagent.eventfile import format_time
from hookagent.rules import shown
from hookagent.rules.overtime import Debounce, Throttle
from hookagent.rules.remembered import (
    Carried,
    Firing,
    Remembered,
    State,
    forget_at,
    recall,
)


class Throttled(msgspec.Struct, frozen=True, array_like=True):
    """When the rule last fired for a key, and how often it would have since."""

    fired_at: int
    suppressed: int = 0


def suppress(throttle: Throttle, state: State | None, at: int) -> Remembered | None:
    """Count a firing as suppressed, None where it is to be let through."""
    last = recall(Throttled, state)
    if last is None or at >= last.fired_at + throttle.once_ms:
        return None
    kept = Throttled(last.fired_at, last.suppressed + 1)
    return Remembered(state=kept, due_at=throttle_end(throttle, last.fired_at))


def pass_throttle(throttle: Throttle, state: State | None, firing: Firing) -> Remembered:
    """Let a firing through, or count it as suppressed.

    The first one through says how many were suppressed before it.
    """
    suppressed = suppress(throttle, state, firing.at)
    if suppressed is not None:
        return suppressed
    last = recall(Throttled, state)
    facts = {"once": shown.duration(throttle.once_ms), "suppressed": last.suppressed if last else 0}
    passed = msgspec.structs.replace(firing, facts=firing.facts | {"throttle": facts})
    return Remembered(
        firings=[passed],
        state=Throttled(firing.at),
        due_at=throttle_end(throttle, firing.at),
    )


def throttle_end(throttle: Throttle, fired_at: int) -> int:
    """Return when a throttle's state means nothing any more."""
    return forget_at(fired_at + throttle.once_ms)


class Burst(msgspec.Struct, frozen=True, array_like=True):
    """Events that came close together."""

    first_at: int
    last_at: int
    count: int
    last: Carried


def arrive(debounce: Debounce, state: State | None, event: Event, carried: Carried) -> Remembered:
    """Add an event to its burst; one that comes after the burst's end fires that first."""
    at = event.received_at
    burst = recall(Burst, state)
    over: list[Firing] = []
    if burst is not None and at >= burst_end(debounce, burst):
        over = [_over(debounce, burst)]
        burst = None
    if burst is None:
        burst = Burst(at, at, 1, carried)
    else:
        burst = Burst(
            min(burst.first_at, at),
            max(burst.last_at, at),
            burst.count + 1,
            carried if at >= burst.last_at else burst.last,
        )
    return Remembered(firings=over, state=burst, due_at=burst_end(debounce, burst))


def due(debounce: Debounce, state: State | None, now: int) -> Remembered:
    """Fire for the last event of a burst that is over."""
    burst = recall(Burst, state)
    if burst is None:
        return Remembered()
    end = burst_end(debounce, burst)
    if now < end:
        return Remembered(state=state, due_at=end)
    return Remembered(firings=[_over(debounce, burst)])


def burst_end(debounce: Debounce, burst: Burst) -> int:
    """Return when a burst is over if nothing more comes."""
    end = burst.last_at + debounce.quiet_ms
    return end if debounce.at_most_ms is None else min(end, burst.first_at + debounce.at_most_ms)


def _over(debounce: Debounce, burst: Burst) -> Firing:
    facts = {
        "count": burst.count,
        "quiet": shown.duration(debounce.quiet_ms),
        "first_at": format_time(burst.first_at),
        "last_at": format_time(burst.last_at),
    }
    return Firing(
        event_id=burst.last.event_id,
        at=burst_end(debounce, burst),
        facts={"debounce": facts, "key": burst.last.key},
        throttle_key=burst.last.throttle_key,
    )
