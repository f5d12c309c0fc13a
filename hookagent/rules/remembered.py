"""What an over-time condition remembers between events, and what comes of an event or a timer.

State is a small struct for one key of one rule, never changed but replaced; it becomes bytes where
it is kept, and is read from them when it is next asked for. It holds what a firing needs when no
event is at hand any more: the last event's id, the key's values, and the throttle's key. Bytes that
cannot be read (a rule was changed, a store was damaged) count as nothing remembered.
"""

import hashlib
from typing import Any, TypeVar

import msgspec

from hookagent.event import Event
from hookagent.rules.scope import Scope
from hookagent.subject import Reference

KEY_LENGTH_MAX = 200
"""Longer keys are hashed; what is between is kept readable for `inspect`."""
FORGET_AFTER_MS = 3_600_000
"""State that can no longer matter is dropped so much later: events may be worked off late."""


class Key(msgspec.Struct, frozen=True):
    """What tells the events of one rule apart."""

    text: str
    facts: dict[str, Any]
    """For templates: `{{ key.host }}`."""


class InUse:
    """What is remembered in a form that is fast to go on from; see `to_keep`."""

    __slots__ = ()

    def to_keep(self) -> msgspec.Struct:
        """Return the same as it is kept."""
        raise NotImplementedError


State = msgspec.Struct | InUse | bytes
"""What is remembered for a key: as it is used, or as it was kept."""


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """What a later firing needs of the event that will be gone by then."""

    event_id: str
    key: dict[str, Any]
    throttle_key: str


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """One time a rule fires."""

    event_id: str
    """The event its run is for: the one that just came, or the last one a timer waited on.

    Empty where that event has had its run of this rule: the firing is then a run of no event.
    """
    at: int
    """When, by the events' own clock, in Unix milliseconds."""
    facts: dict[str, Any]
    """For templates: `{"window": {…}, "key": {…}}`."""
    throttle_key: str = ""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from one event or timer for one key."""

    firings: list[Firing] = []
    state: State | None = None
    """None forgets the key."""
    due_at: int = 0
    """When to look again without an event, in Unix milliseconds; 0 for never."""


def key_of(by: tuple[Reference, ...], event: Event) -> Key:
    """Return the key an event has; a missing value is null."""
    facts: dict[str, Any] = {}
    parts = [value_of(reference, event) for reference in by]
    for reference, value in zip(by, parts, strict=True):
        _put(facts, reference, value)
    return Key(_text(parts), facts)


def key_text(by: tuple[Reference, ...], event: Event) -> str:
    """Return the text of the key an event has: all that state is found by."""
    if len(by) == 1:
        return _text([value_of(by[0], event)])
    return _text([value_of(reference, event) for reference in by])


_encode = msgspec.json.Encoder(order="deterministic").encode


def _text(parts: list[Any]) -> str:
    text = _encode(parts).decode() if parts else ""
    if len(text) > KEY_LENGTH_MAX:
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return text


def value_of(reference: Reference, event: Event) -> Any:
    """Return a reference's value, a list of them where there are several, None for none."""
    value = event.payload
    if not reference.area:
        for step in reference.path:
            if type(value) is not dict:
                break
            value = value.get(step)
        else:
            return value
    found = Scope(event).values(reference)
    return found[0] if len(found) == 1 else (found or None)


def _put(facts: dict[str, Any], reference: Reference, value: Any) -> None:
    """Make a value reachable by its whole path and, where that is free, by its last name."""
    names = [str(step) for step in reference.path] or [reference.area]
    table = facts
    for name in names[:-1]:
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            break
        table = inner
    else:
        table[names[-1]] = value
    facts.setdefault(names[-1], value)


T = TypeVar("T")


def forget_at(over_at: int) -> int:
    """Return when to drop state that means nothing after `over_at`: on a full hour.

    The rounding keeps the timer the same while events come, so that not each of them moves it.
    """
    return -(-(over_at + FORGET_AFTER_MS) // FORGET_AFTER_MS) * FORGET_AFTER_MS


def remember(state: State) -> bytes:
    """Write state as the store keeps it."""
    return state if isinstance(state, bytes) else _pack(state)


def _to_keep(state: object) -> msgspec.Struct:
    assert isinstance(state, InUse)
    return state.to_keep()


_pack = msgspec.msgpack.Encoder(enc_hook=_to_keep).encode


def recall(kind: type[T], state: State | None) -> T | None:
    """Read state, or None where there is none that can be read."""
    if isinstance(state, kind):
        return state
    if not isinstance(state, bytes):
        return None
    try:
        return msgspec.msgpack.decode(state, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
