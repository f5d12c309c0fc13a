"""An expectation: something must come again and again, and it is an alert when it does not.

    step   an event came: the clock starts again; an alert that is open is taken back
    due    nothing came: one alert, then reminders where they are wanted

Both go by the event's own time. While the machine slept, or the agent did not run, nothing could
arrive, so after waking what was missed gets a little time to come (`settle`) before it is missing.
"""

from dataclasses import dataclass

import msgspec

from hookagent.watch.alert import RECOVERED, Alert
from hookagent.watch.schedule import Schedule
from hookagent.watch.wording import duration

SILENCE = "watch.silence"
SETTLE_MS = 600_000
"""How long what was missed may take after waking: most providers try again within ten minutes."""
EARLY_PART = 2
"""An event up to half a period early (and at most `grace`) meets the time it was early for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must come, and how often."""

    name: str
    schedule: Schedule
    grace_ms: int = 0
    """How late it may be."""
    remind_ms: int = 0
    """How often an open alert is said again; 0 for never."""
    starts_now: bool = False
    """Whether the first event is waited for already; otherwise the first one starts the clock."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What an expectation remembers."""

    since: int = 0
    """From when the next one is waited for: the last event's time, or the start; 0 for not yet."""
    event_id: str = ""
    """The last event, empty where there was none."""
    alerted_at: int = 0
    """When the open alert was raised, else 0."""
    reminders: int = 0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from an event or a look at the clock."""

    state: Waiting
    alerts: list[Alert] = []


def begin(spec: Expectation, state: Waiting, now: int) -> Waiting:
    """Start the clock of an expectation that does not wait for a first event."""
    if state.since or not spec.starts_now:
        return state
    return msgspec.structs.replace(state, since=now)


def deadline(spec: Expectation, state: Waiting, awake_since: int) -> int | None:
    """Return when the next event is missing, None where nothing is waited for."""
    if not state.since:
        return None
    expected = _expected(spec, state)
    period = spec.schedule.period(state.since)
    settle = max(spec.grace_ms, min(period, SETTLE_MS))
    return max(expected + spec.grace_ms, awake_since + settle)


def _expected(spec: Expectation, state: Waiting) -> int:
    """Return the next expected moment; an event shortly before one has met it already."""
    schedule = spec.schedule
    first = schedule.after(state.since)
    if schedule.every_ms or not state.event_id:
        return first
    second = schedule.after(first)
    early = min(spec.grace_ms, (second - first) // EARLY_PART)
    return second if first - state.since <= early else first


def next_look(spec: Expectation, state: Waiting, awake_since: int) -> int | None:
    """Return when `due` has something to say unless an event comes, None for never."""
    if not state.alerted_at:
        return deadline(spec, state, awake_since)
    if not spec.remind_ms:
        return None
    return state.alerted_at + (state.reminders + 1) * spec.remind_ms


def step(
    spec: Expectation, state: Waiting, event_at: int, event_id: str, awake_since: int = 0
) -> Outcome:
    """Note an event. One older than the last, or than the open alert's clock, changes nothing."""
    if event_at <= state.since and state.event_id:
        return Outcome(state=state)
    alerts: list[Alert] = []
    end = deadline(spec, state, awake_since)
    if not state.alerted_at and end is not None and event_at >= end:
        alerts.append(_missing(spec, state, end, 0))
        state = msgspec.structs.replace(state, alerted_at=end)
    if state.alerted_at:
        alerts.append(_recovered(spec, state, event_at, event_id))
    return Outcome(state=Waiting(since=event_at, event_id=event_id), alerts=alerts)


def due(spec: Expectation, state: Waiting, now: int, awake_since: int) -> Outcome:
    """Look at the clock: at most one alert, or one reminder however long nobody looked."""
    look = next_look(spec, state, awake_since)
    if look is None or now < look:
        return Outcome(state=state)
    if not state.alerted_at:
        told = msgspec.structs.replace(state, alerted_at=look)
        return Outcome(state=told, alerts=[_missing(spec, state, look, 0)])
    reminders = (now - state.alerted_at) // spec.remind_ms
    told = msgspec.structs.replace(state, reminders=reminders)
    return Outcome(state=told, alerts=[_missing(spec, state, now, reminders)])


def _missing(spec: Expectation, state: Waiting, at: int, reminder: int) -> Alert:
    waited = duration(at - state.since)
    what = "none for" if state.event_id else "none ever in"
    again = "still nothing" if reminder else "nothing came"
    return Alert(
        type=SILENCE,
        subject=spec.name,
        at=at,
        since=state.since,
        message=f"`{spec.name}`: {again}, {what} {waited}",
        hint="look at the sender, the tunnel and `hookagent inspect`",
        reminder=reminder,
        facts={
            "expected_by": _expected(spec, state) + spec.grace_ms,
            "last_event": state.event_id,
            "last_at": state.since if state.event_id else 0,
            "waited_ms": at - state.since,
        },
    )


def _recovered(spec: Expectation, state: Waiting, at: int, event_id: str) -> Alert:
    return Alert(
        type=RECOVERED,
        watch=SILENCE,
        subject=spec.name,
        at=at,
        since=state.since,
        message=f"`{spec.name}`: it came again after {duration(at - state.since)}",
        facts={"event": event_id, "waited_ms": at - state.since},
    )
