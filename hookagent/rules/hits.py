"""The common case of an event of a rule over time: it is counted in, and nothing fires.

`windows.arrive` says what an event leads to; this says the same where that is a change of one key's
state and no more, and says nothing (None) where it would be anything else. What a rule asks is
taken apart once, so that a flood of events costs little more than finding their keys.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from hookagent.event import Event
from hookagent.rules.awaiting import Begun, Seen
from hookagent.rules.counting import Counted
from hookagent.rules.model import Rule
from hookagent.rules.overtime import Absence, Debounce, Measure, Sequence, Throttle, Window
from hookagent.rules.pacing import Burst, Throttled, burst_end, throttle_end
from hookagent.rules.remembered import Carried, State, forget_at, key_text, recall, value_of
from hookagent.rules.windows import MAIN, THROTTLE
from hookagent.subject import Reference

Kept = tuple[State, int]
"""What is remembered, and when it must be looked at (Unix milliseconds, 0 for never)."""
Step = Callable[[State | None, Event], Kept | None]
Name = Callable[[Event], str]

KNOWN_MAX = 1_000
"""Keys whose text is remembered, for each rule."""
KNOWN_LENGTH_MAX = 100
HALF = 2
ROOM = 64
"""So many times that are over may lie before those in the window."""


class Hit(NamedTuple):
    """How a rule takes an event."""

    name: Name
    """Under which key of the rule it is kept."""
    step: Step
    """What is kept after it, None where `windows.arrive` has to be asked."""


def hit_of(rule: Rule) -> Hit | None:
    """Return how a rule takes an event that leads to nothing, None for one asked every time."""
    if rule.window is not None:
        step = _counted(rule.window)
        return None if step is None else Hit(namer(MAIN, rule.window.by), step)
    throttle_key = namer("", rule.throttle.by) if rule.throttle is not None else _no_key
    if rule.debounce is not None:
        return Hit(namer(MAIN, rule.debounce.by), _delayed(rule.debounce, throttle_key))
    if rule.sequence is not None:
        return Hit(namer(MAIN, rule.sequence.by), _begun(rule.sequence, throttle_key))
    if rule.absence is not None:
        step = _seen(rule.absence, throttle_key)
        return None if step is None else Hit(namer(MAIN, rule.absence.by), step)
    if rule.throttle is not None:
        return Hit(namer(THROTTLE, rule.throttle.by), _suppressed(rule.throttle))
    return None


def namer(prefix: str, by: tuple[Reference, ...]) -> Name:
    """Return what makes the text of a key, short texts from memory."""
    if len(by) != 1:
        return lambda event: prefix + key_text(by, event)
    reference = by[0]
    known: dict[str, str] = {}

    def name(event: Event) -> str:
        value = value_of(reference, event)
        if type(value) is not str or len(value) > KNOWN_LENGTH_MAX:
            return prefix + key_text(by, event)
        text = known.get(value)
        if text is None:
            if len(known) >= KNOWN_MAX:
                known.clear()
            text = known[value] = prefix + key_text(by, event)
        return text

    return name


def _no_key(_event: Event) -> str:
    return ""


def _counted(window: Window) -> Step | None:
    if window.measure is not Measure.COUNT or window.is_at_most:
        return None
    limit, within_ms = window.limit, window.within_ms

    def step(state: State | None, event: Event) -> Kept | None:
        at = event.request.received_at
        counted = state if type(state) is Counted else Counted.of(state)
        if counted is None:
            return None
        times, start = counted.times, counted.start
        if counted.end != len(times):  # others went on from here, and were taken back
            times, start = times[start : counted.end], 0
        if len(times) > start:
            if at < times[-1]:
                return None
            if times[start] <= at - within_ms:
                times, start = _without_old(times, start, at - within_ms)
        if len(times) - start + 1 >= limit:
            return None
        times.append(at)
        return Counted(times, start, len(times)), forget_at(at + within_ms)

    return step


def _without_old(times: list[int], start: int, old: int) -> tuple[list[int], int]:
    """Return the times, and where those begin that are newer; a copy where most are old."""
    start = bisect_right(times, old, start)
    if start > ROOM and start * HALF > len(times):
        return times[start:], 0
    return times, start


def _suppressed(throttle: Throttle) -> Step:
    once_ms = throttle.once_ms

    def step(state: State | None, event: Event) -> Kept | None:
        last = recall(Throttled, state)
        if last is None or event.request.received_at >= last.fired_at + once_ms:
            return None
        return Throttled(last.fired_at, last.suppressed + 1), throttle_end(throttle, last.fired_at)

    return step


def _delayed(debounce: Debounce, throttle_key: Name) -> Step:
    def step(state: State | None, event: Event) -> Kept | None:
        burst = recall(Burst, state)
        at = event.request.received_at
        if burst is None or at < burst.last_at or at >= burst_end(debounce, burst):
            return None
        last = Carried(event.id, burst.last.key, throttle_key(event))
        burst = Burst(burst.first_at, at, burst.count + 1, last)
        return burst, burst_end(debounce, burst)

    return step


def _begun(sequence: Sequence, throttle_key: Name) -> Step:
    within_ms = sequence.within_ms

    def step(state: State | None, event: Event) -> Kept | None:
        begun = recall(Begun, state)
        at = event.request.received_at
        if begun is None or at < begun.at:
            return None
        if sequence.is_without:
            end = begun.at + within_ms
            return None if at >= end else (begun, end)
        first = Carried(event.id, begun.first.key, throttle_key(event))
        return Begun(at, first), forget_at(at + within_ms)

    return step


def _seen(absence: Absence, throttle_key: Name) -> Step | None:
    if not absence.after_ms or absence.active is not None:
        return None
    allowed_ms = absence.after_ms + absence.grace_ms

    def step(state: State | None, event: Event) -> Kept | None:
        seen = recall(Seen, state)
        at = event.request.received_at
        if seen is None or seen.is_alerted or not seen.at <= at < seen.deadline:
            return None
        last = Carried(event.id, seen.last.key, throttle_key(event))
        return Seen(at, at + allowed_ms, last), at + allowed_ms

    return step
