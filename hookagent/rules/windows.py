"""Whether a rule that speaks of time fires: for an event, for a follow-up, for a timer.

The caller finds which rules an event matches, then asks `arrive` (and `follow` for the second
halves of sequences), keeps the `writes` in the same commit as the runs, and asks `due` when a
write's `due_at` has come. Time is the events' own: `due` belongs after all events that arrived
before it have been asked about. A rule that does not speak of time fires at once.

`load` returns what was kept under a key of that rule, or None. `awake_since` is when this process
last began to listen (its start, or the end of the machine's sleep): what was due before that waits
a little, so that a night's sleep is not reported as everybody else's silence.
"""

from collections.abc import Callable

import msgspec

from hookagent.event import Event
from hookagent.rules import awaiting, counting, pacing
from hookagent.rules.model import Rule
from hookagent.rules.overtime import Absence, Debounce, Sequence, Window
from hookagent.rules.remembered import Carried, Firing, Key, Remembered, State, key_of, key_text

Load = Callable[[str], State | None]
THROTTLE = "throttle:"
"""What the keys of a throttle begin with; all others are of the rule's other condition."""
MAIN = "key:"
_Spec = Window | Debounce | Sequence | Absence


class Write(msgspec.Struct, frozen=True):
    """What to keep under a key of the rule."""

    key: str
    value: State | None
    """None forgets it."""
    due_at: int = 0
    """When to ask `due`, in Unix milliseconds; 0 for never."""


class Outcome(msgspec.Struct, frozen=True):
    """What an event or a timer leads to."""

    firings: list[Firing]
    writes: list[Write]


def keys(rule: Rule, event: Event) -> list[str]:
    """Return the keys `arrive` and `follow` may load for an event, to fetch them at once."""
    found = [MAIN + key_text(spec.by, event)] if (spec := _main(rule)) else []
    if rule.sequence is not None:
        found.append(MAIN + key_text(rule.sequence.follow_by, event))
    if rule.throttle is not None:
        found.append(THROTTLE + key_text(rule.throttle.by, event))
    return list(dict.fromkeys(found))


def _main(rule: Rule) -> _Spec | None:
    """Return what decides when the rule fires, a throttle apart; a rule has one at most."""
    return rule.window or rule.debounce or rule.sequence or rule.absence


def arrive(rule: Rule, event: Event, load: Load, *, awake_since: int = 0) -> Outcome:
    """Take an event that the rule matches."""
    if rule.window is not None:
        name = MAIN + key_text(rule.window.by, event)
        result = counting.arrive(rule.window, load(name), event)
        if not result.firings:
            return Outcome([], [Write(name, result.state, result.due_at)])
        return _throttled(rule, event, result, name, load)
    main = _main(rule)
    if main is None:
        return _suppressed(rule, event, load) or _throttled(
            rule, event, Remembered(firings=[_at_once(event)]), None, load
        )
    key = key_of(main.by, event)
    name = MAIN + key.text
    carried = _carried(rule, event, key)
    if rule.debounce is not None:
        result = pacing.arrive(rule.debounce, load(name), event, carried)
    elif rule.sequence is not None:
        result = awaiting.begin(rule.sequence, load(name), event, carried)
    else:
        assert rule.absence is not None
        result = awaiting.see(rule.absence, load(name), event, carried, awake_since)
    return _throttled(rule, event, result, name, load)


def follow(rule: Rule, event: Event, load: Load) -> Outcome:
    """Take an event that the second half of the rule's sequence matches; before `arrive`."""
    assert rule.sequence is not None
    key = key_of(rule.sequence.follow_by, event)
    name = MAIN + key.text
    carried = _carried(rule, event, key)
    result = awaiting.follow(rule.sequence, load(name), event, carried)
    return _throttled(rule, event, result, name, load)


def due(rule: Rule, key: str, load: Load, now: int, *, awake_since: int = 0) -> Outcome:
    """Look at a key whose `due_at` has come; `now` is in Unix milliseconds."""
    if key.startswith(THROTTLE):
        return Outcome([], [Write(key, None)])
    state = load(key)
    if rule.debounce is not None:
        result = pacing.due(rule.debounce, state, now)
    elif rule.sequence is not None:
        result = awaiting.sequence_due(rule.sequence, state, now)
    elif rule.absence is not None:
        result = awaiting.absence_due(rule.absence, state, now, awake_since)
    else:
        result = Remembered()
    return _throttled(rule, None, result, key, load)


def _suppressed(rule: Rule, event: Event, load: Load) -> Outcome | None:
    """Return what comes of an event that is one too many for the throttle, None where it is not.

    Nothing of a firing needs to be made for it: this is what a flood of events goes through.
    """
    if rule.throttle is None:
        return None
    name = THROTTLE + key_text(rule.throttle.by, event)
    result = pacing.suppress(rule.throttle, load(name), event.received_at)
    return None if result is None else Outcome([], [Write(name, result.state, result.due_at)])


def _at_once(event: Event) -> Firing:
    return Firing(event_id=event.id, at=event.received_at, facts={})


def _carried(rule: Rule, event: Event, key: Key) -> Carried:
    throttle_key = key_text(rule.throttle.by, event) if rule.throttle is not None else ""
    return Carried(event.id, key.facts, throttle_key)


def _throttled(
    rule: Rule,
    event: Event | None,
    result: Remembered,
    key: str | None,
    load: Load,
) -> Outcome:
    """Hold the firings against the rule's throttle, and name what is to be kept."""
    writes = [] if key is None else [Write(key, result.state, result.due_at)]
    if rule.throttle is None:
        return Outcome(result.firings, writes)
    passed: list[Firing] = []
    kept: dict[str, Write] = {}
    for firing in result.firings:
        is_own = event is not None and firing.event_id == event.id
        text = key_text(rule.throttle.by, event) if is_own and event else firing.throttle_key
        name = THROTTLE + text
        state = kept[name].value if name in kept else load(name)
        outcome = pacing.pass_throttle(rule.throttle, state, firing)
        kept[name] = Write(name, outcome.state, outcome.due_at)
        own = event if is_own else None
        passed += [it if own is None else _with_key(it, rule, own) for it in outcome.firings]
    return Outcome(passed, [*writes, *kept.values()])


def _with_key(firing: Firing, rule: Rule, event: Event) -> Firing:
    """Add the values of the throttle's key to those of the other condition."""
    assert rule.throttle is not None
    own = key_of(rule.throttle.by, event).facts
    facts = firing.facts | {"key": own | firing.facts.get("key", {})}
    return msgspec.structs.replace(firing, facts=facts)
