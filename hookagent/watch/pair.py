"""A pair: what began must be followed, within a time, by something with the same key.

Each key that stays alone is one alert, and one recovery where its follow-up comes later. Keys that
are missing at the same look are told in one alert: an outage of the second half is one message.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from hookagent.watch.alert import RECOVERED, Alert
from hookagent.watch.expectation import SETTLE_MS, SILENCE
from hookagent.watch.wording import duration

OPEN_MAX = 10_000
"""Beginnings that wait at once; the oldest is given up for a new one."""
MISSED_KEPT_MS = 86_400_000
"""How long a late follow-up still counts as a recovery."""
KEYS_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What must follow within which time."""

    name: str
    within_ms: int


class Begun(msgspec.Struct, frozen=True, array_like=True):
    """The first half of a pair that has no second half."""

    at: int
    event_id: str
    alerted_at: int = 0


class Open(msgspec.Struct, frozen=True):
    """What a pair remembers: beginnings by their key, oldest first."""

    begun: Mapping[str, Begun] = {}


class PairOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from an event or a look at the clock."""

    state: Open
    alerts: list[Alert] = []


def start(state: Open, key: str, at: int, event_id: str) -> Open:
    """Note a beginning; the earliest of a key is the one that counts."""
    if key in state.begun:
        return state
    begun = dict(state.begun)
    if len(begun) >= OPEN_MAX:
        del begun[next(iter(begun))]
    begun[key] = Begun(at, event_id)
    return Open(begun)


def follow(spec: Pair, state: Open, key: str, at: int, event_id: str) -> PairOutcome:
    """Note a follow-up: its beginning waits no longer; a late one takes the alert back."""
    first = state.begun.get(key)
    if first is None or at < first.at:
        return PairOutcome(state=state)
    rest = {name: begun for name, begun in state.begun.items() if name != key}
    alerts = []
    if first.alerted_at:
        took = at - first.at
        alerts = [
            Alert(
                type=RECOVERED,
                watch=SILENCE,
                subject=spec.name,
                at=at,
                since=first.at,
                message=f"`{spec.name}`: the follow-up of `{key}` came after {duration(took)}",
                facts={"event": event_id, "first": first.event_id, "keys": [key]},
            )
        ]
    return PairOutcome(state=Open(rest), alerts=alerts)


def next_look(spec: Pair, state: Open, awake_since: int) -> int | None:
    """Return when the earliest beginning is overdue, None where nothing waits."""
    waiting = [first for first in state.begun.values() if not first.alerted_at]
    return min((_deadline(spec, first, awake_since) for first in waiting), default=None)


def _deadline(spec: Pair, first: Begun, awake_since: int) -> int:
    settle = min(spec.within_ms, SETTLE_MS) if awake_since > first.at else 0
    return max(first.at + spec.within_ms, awake_since + settle)


def due(spec: Pair, state: Open, now: int, awake_since: int) -> PairOutcome:
    """Look at the clock: tell what is overdue, forget what was told long ago."""
    kept: dict[str, Begun] = {}
    missing: dict[str, Begun] = {}
    for key, first in state.begun.items():
        if first.alerted_at:
            if now - first.alerted_at < MISSED_KEPT_MS:
                kept[key] = first
        elif now >= _deadline(spec, first, awake_since):
            missing[key] = first
            kept[key] = msgspec.structs.replace(first, alerted_at=now)
        else:
            kept[key] = first
    if len(kept) == len(state.begun) and not missing:
        return PairOutcome(state=state)
    alerts = [_missing(spec, missing, now)] if missing else []
    return PairOutcome(state=Open(kept), alerts=alerts)


def _missing(spec: Pair, missing: Mapping[str, Begun], now: int) -> Alert:
    keys = list(missing)
    shown = ", ".join(f"`{key}`" for key in keys[:KEYS_TOLD])
    more = f" and {len(keys) - KEYS_TOLD} more" if len(keys) > KEYS_TOLD else ""
    earliest = min(missing.values(), key=lambda first: first.at)
    return Alert(
        type=SILENCE,
        subject=spec.name,
        at=now,
        since=earliest.at,
        message=f"`{spec.name}`: nothing followed {shown}{more} within {duration(spec.within_ms)}",
        hint=f"see how it began: hookagent inspect {earliest.event_id}",
        facts={
            "keys": keys[:100],
            "count": len(keys),
            "first": earliest.event_id,
            "within_ms": spec.within_ms,
        },
    )
