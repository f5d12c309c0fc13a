"""Expectations at work: which events meet them, what they remember, what the store knows better.

The worker shows every event it routes (`saw`). Before silence is told, and at each start, the store
is asked: it has the events that were not routed yet, or came while this process did not look. A
replay never counts.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from hookagent.config.model import Config
from hookagent.config.watching import Expected, ExpectedPair
from hookagent.event import Event, Origin
from hookagent.lookup import MISSING
from hookagent.pipeline.gate import value_of
from hookagent.rules.evaluate import is_on, matches
from hookagent.rules.model import Rule
from hookagent.rules.scope import Scope
from hookagent.store.base import EventFilter, Store
from hookagent.subject import Reference
from hookagent.watch import expectation, pair
from hookagent.watch.alert import Alert

PAGE = 200
PAGES_MAX = 10
"""How far back the store is searched for an event that meets an expectation."""
KEEP_EVERY_MS = 5_000
"""How often what is remembered is written while events come."""
KEY_MAX = 200
"""Characters of a pair's key."""
STATE = "watch:expect:"
PAIR = "watch:pair:"


class _KeptPair(msgspec.Struct, frozen=True, kw_only=True):
    """A pair's memory on disk."""

    state: pair.Open
    seen_at: int
    """Events up to here are in it."""


class Expecting:
    """Every `[[expect]]` and `expect_every`."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._expected = {one.spec.name: one for one in config.watch.expectations}
        self._pairs = {one.spec.name: one for one in config.watch.pairs}
        self._waiting = {name: expectation.Waiting() for name in self._expected}
        self._open = {name: pair.Open() for name in self._pairs}
        self._seen_at = dict.fromkeys(self._pairs, 0)
        self._changed: set[str] = set()
        self._kept_at = 0
        self._said: list[Alert] = []
        self._is_loaded = False
        self._early: list[Event] = []
        self.awake_since = 0
        """When the process began to listen, or the machine's sleep ended; Unix milliseconds."""

    def __bool__(self) -> bool:
        return bool(self._expected or self._pairs)

    # Events.

    def concerns(self, event: Event) -> bool:
        """Whether an event of this source and type may be meant; its payload is not looked at."""
        rules = [one.match for one in self._expected.values()]
        rules += [rule for both in self._pairs.values() for rule in (both.first, both.second)]
        return any(is_on(rule.on, event) for rule in rules)

    def saw(self, event: Event) -> None:
        """Note an event that was routed."""
        if not self or event.origin is Origin.REPLAY:
            return
        if not self._is_loaded:
            self._early.append(event)
            return
        for name, one in self._expected.items():
            if is_on(one.match.on, event) and matches(one.match, event):
                self._met(name, one, event)
        for name, both in self._pairs.items():
            self._paired(name, both, event)

    def _met(self, name: str, one: Expected, event: Event) -> None:
        outcome = expectation.step(
            one.spec, self._waiting[name], event.received_at, event.id, self.awake_since
        )
        self._waiting[name] = outcome.state
        self._changed.add(name)
        self._said += outcome.alerts

    def _paired(self, name: str, both: ExpectedPair, event: Event) -> None:
        before = self._open[name]
        after = before
        if matches(both.second, event):
            key = _key(both.by, event)
            outcome = pair.follow(both.spec, before, key, event.received_at, event.id)
            after = outcome.state
            self._said += outcome.alerts
        if matches(both.first, event):
            after = pair.start(after, _key(both.by, event), event.received_at, event.id)
        if after is not before:
            self._open[name] = after
            self._seen_at[name] = max(self._seen_at[name], event.received_at)
            self._changed.add(name)

    # Time.

    async def load(self, now: int) -> None:
        """Go on from what was kept, and catch up with the store. Raises StoreUnavailable."""
        for name, one in self._expected.items():
            kept = _decoded(await self._store.kept(STATE + name), expectation.Waiting)
            state = kept or expectation.Waiting()
            self._waiting[name] = state
            await self._catch_up(name, one)
            self._waiting[name] = expectation.begin(one.spec, self._waiting[name], now)
        for name, both in self._pairs.items():
            await self._load_pair(name, both, now)
        self._is_loaded = True
        for event in self._early:
            self.saw(event)
        self._early.clear()

    async def _load_pair(self, name: str, both: ExpectedPair, now: int) -> None:
        kept = _decoded(await self._store.kept(PAIR + name), _KeptPair)
        since = kept.seen_at if kept else now - both.spec.within_ms
        self._open[name] = kept.state if kept else pair.Open()
        self._seen_at[name] = since
        found: dict[str, Event] = {}
        for rule in (both.first, both.second):
            found |= {event.id: event for event in await self._stored(rule, since)}
        for event in sorted(found.values(), key=lambda event: (event.received_at, event.id)):
            self._paired(name, both, event)

    async def _catch_up(self, name: str, one: Expected) -> None:
        """Find out whether the store has a later event that meets it."""
        found = await self._stored(one.match, self._waiting[name].since + 1, most=1)
        for event in found:
            self._met(name, one, event)

    async def _stored(self, rule: Rule, since: int, most: int = PAGE * PAGES_MAX) -> list[Event]:
        """Return stored events that a rule matches, newest first."""
        found: list[Event] = []
        for wanted in _filters(rule, since):
            before = 0
            for _ in range(PAGES_MAX):
                page = await self._store.events(msgspec.structs.replace(wanted, before=before))
                for summary in page:
                    event = await self._whole(summary.id) if summary.origin != "replay" else None
                    if event is not None and matches(rule, event):
                        found.append(event)
                        if len(found) >= most:
                            return found
                if len(page) < PAGE:
                    break
                before = page[-1].seq
        return found

    async def _whole(self, event_id: str) -> Event | None:
        record = await self._store.event(event_id)
        if record is None:
            return None
        event = record.event
        value = value_of(self._config.sources.get(event.source), event.request)
        return msgspec.structs.replace(event, payload=value)

    async def look(self, now: int) -> list[Alert]:
        """Look at the clock; return what is to be said. Raises StoreUnavailable."""
        for name, one in self._expected.items():
            due_at = expectation.next_look(one.spec, self._waiting[name], self.awake_since)
            if due_at is None or now < due_at:
                continue
            if not self._waiting[name].alerted_at:
                await self._catch_up(name, one)
            outcome = expectation.due(one.spec, self._waiting[name], now, self.awake_since)
            self._waiting[name] = outcome.state
            self._changed.add(name)
            self._said += outcome.alerts
        for name, both in self._pairs.items():
            told = pair.due(both.spec, self._open[name], now, self.awake_since)
            if told.state is not self._open[name]:
                self._open[name] = told.state
                self._changed.add(name)
            self._said += told.alerts
        said, self._said = self._said, []
        return said

    async def keep(self, now: int, *, at_once: bool) -> None:
        """Write what changed, now or when it is time. Raises StoreUnavailable."""
        if not self._changed or (not at_once and now - self._kept_at < KEEP_EVERY_MS):
            return
        self._kept_at = now
        for name in list(self._changed):
            if name in self._waiting:
                await self._store.keep(STATE + name, msgspec.json.encode(self._waiting[name]))
            if name in self._open:
                kept = _KeptPair(state=self._open[name], seen_at=self._seen_at[name])
                await self._store.keep(PAIR + name, msgspec.json.encode(kept))
            self._changed.discard(name)


async def overdue(config: Config, store: Store) -> dict[str, int]:
    """Return what is missing by name of the expectation, as any node's watching last kept it.

    1 for an event that has not come, for a pair the number of beginnings without an end.
    """
    found = {}
    for one in config.watch.expectations:
        state = _decoded(await store.kept(STATE + one.spec.name), expectation.Waiting)
        found[one.spec.name] = int(state is not None and state.alerted_at > 0)
    for both in config.watch.pairs:
        kept = _decoded(await store.kept(PAIR + both.spec.name), _KeptPair)
        begun = kept.state.begun.values() if kept else ()
        found[both.spec.name] = sum(one.alerted_at > 0 for one in begun)
    return found


def _decoded(kept: bytes | None, kind: type[Any]) -> Any:
    """Return what was kept, None where there is nothing, or a version of ours that has passed."""
    try:
        return None if kept is None else msgspec.json.decode(kept, type=kind)
    except msgspec.MsgspecError:
        return None


def _filters(rule: Rule, since: int) -> Iterable[EventFilter]:
    """Return what to ask the store for, one for each pattern."""
    for pattern in rule.on:
        is_plain = not any(sign in pattern.source for sign in "*?[\\")
        yield EventFilter(
            source=pattern.source if is_plain else "",
            type="" if pattern.type == "*" else pattern.type,
            since=since,
            limit=PAGE,
        )


def _key(by: Iterable[Reference], event: Event) -> str:
    """Return what an event has in common with its other half."""
    scope = Scope(event)
    parts = []
    for reference in by:
        value = next(iter(scope.values(reference)), MISSING)
        parts.append("" if value is MISSING else str(value))
    return " ".join(parts)[:KEY_MAX]
