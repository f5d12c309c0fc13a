"""Plays events to a rule that speaks of time, with the timers between them."""

from typing import Any

from hookagent.rules import windows
from hookagent.rules.evaluate import matches
from hookagent.rules.model import Rule
from hookagent.rules.remembered import State
from tests.rules.events import NOON, make_event, rule_of

MINUTE = 60_000
HOUR = 60 * MINUTE


class Play:
    """One rule, its state, and a clock that starts at noon; times are minutes after it."""

    def __init__(self, rule: Rule | str, *, timers: bool = True) -> None:
        self.rule = rule_of(rule) if isinstance(rule, str) else rule
        self.states: dict[str, tuple[State, int]] = {}
        self.fired: list[tuple[float, str]] = []
        """When, in minutes after noon, and for which event."""
        self.facts: list[dict[str, Any]] = []
        self.timers = timers
        self.awake_since = 0
        self._number = 0

    def load(self, key: str) -> State | None:
        return self.states[key][0] if key in self.states else None

    def event(self, minute: float, payload: Any = None, **keys: Any) -> str:
        """Let an event arrive, after the timers that were due before it; return its id."""
        at = NOON + round(minute * MINUTE)
        if self.timers:
            self.until(minute)
        self._number += 1
        event = make_event({} if payload is None else payload, at=at, id=f"e{self._number}", **keys)
        if self.rule.follow is not None and matches(self.rule.follow, event):
            self._take(windows.follow(self.rule, event, self.load))
        if matches(self.rule, event):
            names = windows.keys(self.rule, event)
            outcome = windows.arrive(self.rule, event, self.load, awake_since=self.awake_since)
            assert {write.key for write in outcome.writes if write.value} <= {*names, *self.states}
            self._take(outcome)
        return event.id

    def until(self, minute: float) -> None:
        """Run the timers that are due by then, in order."""
        now = NOON + round(minute * MINUTE)
        while waiting := sorted(
            (due, key) for key, (_, due) in self.states.items() if 0 < due <= now
        ):
            due, key = waiting[0]
            self._take(
                windows.due(self.rule, key, self.load, due, awake_since=self.awake_since),
            )

    def wake(self, minute: float) -> None:
        """Sleep until then: nothing was heard, no timer ran."""
        self.awake_since = NOON + round(minute * MINUTE)

    def _take(self, outcome: windows.Outcome) -> None:
        for firing in outcome.firings:
            self.fired.append(((firing.at - NOON) / MINUTE, firing.event_id))
            self.facts.append(firing.facts)
        for write in outcome.writes:
            if write.value is None:
                self.states.pop(write.key, None)
            else:
                self.states[write.key] = (write.value, write.due_at)

    @property
    def times(self) -> list[float]:
        return [minute for minute, _ in self.fired]
