"""`sequence` and `absence`: what should follow, and what should have come.

Both wait for something with a deadline. A deadline that has passed counts as passed for the next
event too, whether or not a timer has looked at it, so the answer does not depend on who came first.
"""

from datetime import timedelta

import msgspec

from hookagent.event import Event
from hookagent.eventfile import format_time
from hookagent.rules import shown
from hookagent.rules.calendar import LOOK_AHEAD_DAYS, Calendar
from hookagent.rules.overtime import Absence, Sequence
from hookagent.rules.remembered import (
    Carried,
    Firing,
    Remembered,
    State,
    forget_at,
    recall,
)

SETTLE_MS = 600_000
"""After a sleep of our own, an absence waits at most so long for what was missed meanwhile."""
ALWAYS = Calendar(name="always")


class Begun(msgspec.Struct, frozen=True, array_like=True):
    """The first event of a sequence."""

    at: int
    first: Carried


def begin(sequence: Sequence, state: State | None, event: Event, carried: Carried) -> Remembered:
    """Note the first event. What must not be without a follow-up counts from the earliest one."""
    at = event.received_at
    begun = recall(Begun, state)
    over: list[Firing] = []
    if sequence.is_without and begun is not None:
        if at < begun.at + sequence.within_ms:
            return _waiting(sequence, begun, over)
        over = [_unfollowed(sequence, begun)]
    if begun is not None and at < begun.at:
        return _waiting(sequence, begun, over)
    return _waiting(sequence, Begun(at, carried), over)


def _waiting(sequence: Sequence, begun: Begun, over: list[Firing]) -> Remembered:
    end = begun.at + sequence.within_ms
    due_at = end if sequence.is_without else forget_at(end)
    return Remembered(firings=over, state=begun, due_at=due_at)


def follow(sequence: Sequence, state: State | None, event: Event, carried: Carried) -> Remembered:
    """Take the follow-up: the sequence is complete, or is no longer missing anything."""
    begun = recall(Begun, state)
    if begun is None or event.received_at < begun.at:
        due_at = 0 if begun is None else _waiting(sequence, begun, []).due_at
        return Remembered(state=state, due_at=due_at)
    elapsed = event.received_at - begun.at
    if sequence.is_without:
        is_late = elapsed >= sequence.within_ms
        return Remembered(firings=[_unfollowed(sequence, begun)] if is_late else [])
    if elapsed > sequence.within_ms:
        return Remembered()
    facts = _sequence_facts(sequence, begun, elapsed)
    firing = Firing(
        event_id=event.id,
        at=event.received_at,
        facts=facts,
        throttle_key=carried.throttle_key,
    )
    return Remembered(firings=[firing])


def sequence_due(sequence: Sequence, state: State | None, now: int) -> Remembered:
    """Fire where the follow-up did not come in time."""
    begun = recall(Begun, state)
    if begun is None:
        return Remembered()
    waiting = _waiting(sequence, begun, [])
    if now < waiting.due_at:
        return waiting
    return Remembered(firings=[_unfollowed(sequence, begun)] if sequence.is_without else [])


def _unfollowed(sequence: Sequence, begun: Begun) -> Firing:
    return Firing(
        event_id=begun.first.event_id,
        at=begun.at + sequence.within_ms,
        facts=_sequence_facts(sequence, begun, sequence.within_ms),
        throttle_key=begun.first.throttle_key,
    )


def _sequence_facts(sequence: Sequence, begun: Begun, elapsed: int) -> dict[str, object]:
    first = {"id": begun.first.event_id, "at": format_time(begun.at)}
    told = {"first": first, "elapsed": shown.duration(elapsed)}
    return {"sequence": told | {"followed": not sequence.is_without}, "key": begun.first.key}


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """The last event of a key that is watched."""

    at: int
    deadline: int
    last: Carried
    is_alerted: bool = False
    has_fired: bool = False
    """Whether the rule fired for this very event: an alert about it is then a run of no event."""


def see(
    absence: Absence,
    state: State | None,
    event: Event,
    carried: Carried,
    awake_since: int,
) -> Remembered:
    """Note that an event came: the clock starts again, and an alert may be taken back."""
    at = event.received_at
    seen = recall(Seen, state)
    firings: list[Firing] = []
    if seen is not None and at < seen.at:
        return Remembered(state=state, due_at=0 if seen.is_alerted else seen.deadline)
    if seen is not None and not seen.is_alerted and at >= seen.deadline > awake_since:
        firings.append(_missed(seen, seen.deadline))
        seen = msgspec.structs.replace(seen, is_alerted=True)
    if seen is not None and seen.is_alerted and absence.recovery:
        firings.append(_recovered(seen, at, carried))
    deadline = deadline_after(absence, at)
    if deadline is None:
        return Remembered(firings=firings)
    has_fired = any(firing.event_id == event.id for firing in firings)
    kept = Seen(at, deadline, carried, has_fired=has_fired)
    return Remembered(firings=firings, state=kept, due_at=deadline)


def absence_due(
    absence: Absence,
    state: State | None,
    now: int,
    awake_since: int,
) -> Remembered:
    """Alert once for what did not come; after a sleep of our own, wait for it a little first."""
    seen = recall(Seen, state)
    if seen is None or seen.is_alerted:
        return Remembered(state=state)
    deadline = seen.deadline
    if awake_since > deadline:
        deadline = awake_since + max(
            absence.grace_ms, min(absence.after_ms or SETTLE_MS, SETTLE_MS)
        )
    if now < deadline:
        return Remembered(state=state, due_at=deadline)
    kept = msgspec.structs.replace(seen, is_alerted=True)
    return Remembered(firings=[_missed(seen, deadline)], state=kept)


def deadline_after(absence: Absence, at: int) -> int | None:
    """Return when the next event is overdue, after one that came `at`; None for never."""
    calendar = absence.active or ALWAYS
    if absence.after_ms:
        if absence.active is None:
            return at + absence.after_ms + absence.grace_ms
        end = calendar.after_open_ms(at, absence.after_ms)
        return None if end is None else end + absence.grace_ms
    day = calendar.day_of(at - absence.grace_ms)
    is_next = False
    for _ in range(LOOK_AHEAD_DAYS):
        if calendar.is_open_day(day):
            for minute in absence.at:
                overdue = calendar.moment_of(day, minute) + absence.grace_ms
                if overdue >= at and is_next:
                    return overdue
                is_next = is_next or overdue >= at  # this time is met by the event that came
        day += timedelta(days=1)
    return None


def _missed(seen: Seen, at: int) -> Firing:
    return Firing(
        event_id="" if seen.has_fired else seen.last.event_id,
        at=at,
        facts={"absence": _absence_facts(seen, at, recovered=False), "key": seen.last.key},
        throttle_key=seen.last.throttle_key,
    )


def _recovered(seen: Seen, at: int, carried: Carried) -> Firing:
    return Firing(
        event_id=carried.event_id,
        at=at,
        facts={"absence": _absence_facts(seen, at, recovered=True), "key": carried.key},
        throttle_key=carried.throttle_key,
    )


def _absence_facts(seen: Seen, at: int, *, recovered: bool) -> dict[str, object]:
    return {
        "last_event": seen.last.event_id,
        "last_at": format_time(seen.at),
        "expected_by": format_time(seen.deadline),
        "elapsed": shown.duration((at - seen.at) // 1000 * 1000),
        "late": at > seen.deadline and not recovered,
        "recovered": recovered,
    }
