"""Conditions over several events, as the worker sees them: judge, remember, look again later.

`rules.windows` decides; here its memory is held, written behind with the routing of the events that
changed it, and asked again when a timer is due. A batch whose commit fails is taken back, so that
judging it once more gives the same answer.
"""

from collections.abc import Callable, Sequence

from hookagent.event import Event
from hookagent.rules import windows
from hookagent.rules.hits import Hit, Kept, hit_of
from hookagent.rules.model import Rule, RuleSet
from hookagent.rules.remembered import Firing, State, remember
from hookagent.rules.timers import Timers
from hookagent.store.base import StateWrite, Store

SLEEP_MS = 60_000
"""A gap of more than this between two looks means that the machine slept."""
Fired = tuple[Rule, Firing]


class Overtime:
    """What rules remember between events."""

    def __init__(self, store: Store, *, unknown_kept_ms: int = 0) -> None:
        """Begin without memory; what a rule nobody knows remembers is forgotten so much later."""
        self._store = store
        self._unknown_kept_ms = unknown_kept_ms
        self._states: dict[tuple[str, str], Kept] = {}
        self._timers = Timers()
        self._undo: list[tuple[tuple[str, str], Kept | None]] = []
        self._changed: dict[tuple[str, str], Kept | None] = {}
        self._follow: Callable[[Event], Sequence[Rule]] = lambda _event: ()
        self._rules: dict[str, Rule] = {}
        self._loads: dict[str, windows.Load] = {}
        """How each rule over time looks up what it remembers."""
        self._hits: dict[str, Hit] = {}
        """How most events of these rules are taken."""
        self._has_followers = False
        self._seen_at = 0
        self.awake_since = 0
        """When this process began to listen, or the machine's sleep ended; Unix milliseconds."""

    def use(self, ruleset: RuleSet, follow: Callable[[Event], Sequence[Rule]]) -> None:
        """Judge by these rules from now on; what was remembered stays.

        `follow` finds the second halves of sequences that an event matches.
        """
        self._follow = follow
        self._rules = {rule.name: rule for rule in ruleset.rules if rule.enabled}
        self._loads = {rule.name: self._loader(rule) for rule in ruleset.rules if rule.is_over_time}
        hits = {name: hit_of(self._rules[name]) for name in self._loads if name in self._rules}
        self._hits = {name: hit for name, hit in hits.items() if hit is not None}
        self._has_followers = bool(ruleset.followers)
        if self._unknown_kept_ms:  # a timer may have gone by while its rule was not known
            for place, kept in self._states.items():
                self._keep(place, kept)

    async def load(self) -> None:
        """Read what was remembered before."""
        for state in await self._store.states():
            if state.value is not None:
                self._keep((state.rule, state.key), (state.value, state.due_at))

    def notice_sleep(self, now: int) -> None:
        """Find out that the machine slept: far more time passed than anybody here waits."""
        if now - self._seen_at > SLEEP_MS:
            self.awake_since = now
        self._seen_at = now

    # One batch: judge its events, take the writes, then commit or roll back.

    def judge(self, event: Event, matched: Sequence[Rule]) -> list[Fired]:
        """Return what fires by timers that were due before this event, and by the event."""
        next_at = self._timers.next_at
        is_due = next_at is not None and next_at <= event.request.received_at
        fired = self.until(event.received_at) if is_due else []
        if self._has_followers:
            for second in self._follow(event):
                rule = self._rules[second.name]
                fired += self._take(rule, windows.follow(rule, event, self._loads[rule.name]))
        for rule in matched:
            hit = self._hits.get(rule.name)
            if hit is not None and self._hit(rule.name, hit, event):
                continue
            load = self._loads.get(rule.name)
            if load is None:
                fired.append((rule, at_once(event)))
                continue
            outcome = windows.arrive(rule, event, load, awake_since=self.awake_since)
            fired += self._take(rule, outcome)
        return fired

    def _hit(self, rule: str, hit: Hit, event: Event) -> bool:
        """Take an event that leads to nothing but a change of one state; False for another."""
        place = rule, hit.name(event)
        before = self._states.get(place)
        kept = hit.step(None if before is None else before[0], event)
        if kept is None:
            return False
        if place not in self._changed:
            self._undo.append((place, before))
        self._changed[place] = self._states[place] = kept
        if kept[1] and (before is None or before[1] != kept[1]):
            self._timers.set(place, kept[1])
        return True

    def until(self, now: int) -> list[Fired]:
        """Run the timers that are due by then; `now` is in Unix milliseconds."""
        fired: list[Fired] = []
        while place := self._timers.pop(now):
            due_at = self._states.get(place, (b"", 0))[1]
            if due_at > now:
                self._timers.set(place, due_at)  # it was put off since
                continue
            if not due_at:
                continue
            rule = self._rules.get(place[0])
            if rule is None:
                self._not_known(place, due_at + self._unknown_kept_ms, now)
                continue
            outcome = windows.due(
                rule, place[1], self._loader(rule), due_at, awake_since=self.awake_since
            )
            fired += self._take(rule, outcome)
        return fired

    def _not_known(self, place: tuple[str, str], forget_at: int, now: int) -> None:
        """Forget what a rule remembers that is no more, once it surely is no more."""
        if forget_at <= now:
            self._change(place, None)
        else:
            self._timers.set(place, forget_at)

    def writes(self) -> list[StateWrite]:
        """Return what this batch must keep in its commit."""
        return [
            StateWrite(rule=rule, key=key, value=remember(kept[0]), due_at=kept[1])
            if kept
            else StateWrite(rule=rule, key=key, value=None)
            for (rule, key), kept in self._changed.items()
        ]

    def commit(self) -> None:
        """Forget how to take the batch back: it is on disk."""
        self._undo.clear()
        self._changed.clear()

    def roll_back(self) -> None:
        """Forget that the batch was judged: it is not on disk."""
        for place, before in reversed(self._undo):
            if before is None:
                self._states.pop(place, None)
            else:
                self._keep(place, before)
        self.commit()

    @property
    def next_due(self) -> int | None:
        """When the earliest timer is due, or None."""
        return self._timers.next_at

    def _loader(self, rule: Rule) -> windows.Load:
        def load(key: str) -> State | None:
            kept = self._states.get((rule.name, key))
            return kept[0] if kept else None

        return load

    def _take(self, rule: Rule, outcome: windows.Outcome) -> list[Fired]:
        for write in outcome.writes:
            kept = None if write.value is None else (write.value, write.due_at)
            self._change((rule.name, write.key), kept)
        return [(rule, firing) for firing in outcome.firings] if outcome.firings else []

    def _change(self, place: tuple[str, str], kept: Kept | None) -> None:
        before = self._states.get(place)
        if place not in self._changed:
            self._undo.append((place, before))
        self._changed[place] = kept
        if kept is None:
            self._states.pop(place, None)
        elif before is not None and before[1] == kept[1]:
            self._states[place] = kept  # whose timer is set already
        else:
            self._keep(place, kept)

    def _keep(self, place: tuple[str, str], kept: Kept) -> None:
        self._states[place] = kept
        if kept[1]:
            self._timers.set(place, kept[1])


def at_once(event: Event) -> Firing:
    """Return the firing of a rule that does not speak of time."""
    return Firing(event_id=event.id, at=event.received_at, facts={})
