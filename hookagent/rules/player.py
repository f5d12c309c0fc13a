"""Plays events to a rule set with a clock of their own: what a live run would have fired, and when.

Tests and backtests use it. Events must come in the order of their arrival; timers are run between
them, at the moment they are due.
"""

from collections.abc import Callable, Sequence

from hookagent.event import Event
from hookagent.rules import windows
from hookagent.rules.evaluate import followers, select
from hookagent.rules.model import Rule, RuleSet
from hookagent.rules.remembered import Firing, State
from hookagent.rules.timers import Timers

Fired = tuple[Rule, Firing]


class Player:
    """One rule set with what it remembers."""

    def __init__(
        self,
        ruleset: RuleSet,
        match: Callable[[Event], Sequence[Rule]] | None = None,
    ) -> None:
        self.ruleset = ruleset
        self._match = match or (lambda event: select(ruleset, event))
        self._rules = {rule.name: rule for rule in ruleset.rules}
        self._has_followers = bool(ruleset.followers)
        self._states: dict[tuple[str, str], tuple[State, int]] = {}
        self._timers = Timers()

    def event(self, event: Event) -> list[Fired]:
        """Let an event arrive; return what fires before it by timers, and by it."""
        fired = self.until(event.received_at)
        if self._has_followers:
            for second in followers(self.ruleset, event):
                rule = self._rules[second.name]
                fired += self._take(rule, windows.follow(rule, event, self._loader(rule)))
        for rule in self._match(event):
            fired += self._take(rule, windows.arrive(rule, event, self._loader(rule)))
        return fired

    def until(self, now: int) -> list[Fired]:
        """Run the timers that are due by then; `now` is in Unix milliseconds."""
        fired: list[Fired] = []
        while place := self._timers.pop(now):
            due_at = self._states.get(place, (b"", 0))[1]
            if due_at > now:
                self._timers.set(place, due_at)
            elif due_at:
                rule = self._rules[place[0]]
                fired += self._take(rule, windows.due(rule, place[1], self._loader(rule), due_at))
        return fired

    def finish(self) -> list[Fired]:
        """Run the timers that are left, however late they are due."""
        fired: list[Fired] = []
        while (next_at := self._timers.next_at) is not None:
            fired += self.until(next_at)
        return fired

    def _loader(self, rule: Rule) -> windows.Load:
        def load(key: str) -> State | None:
            kept = self._states.get((rule.name, key))
            return kept[0] if kept else None

        return load

    def _take(self, rule: Rule, outcome: windows.Outcome) -> list[Fired]:
        for write in outcome.writes:
            place = (rule.name, write.key)
            if write.value is None:
                self._states.pop(place, None)
                continue
            self._states[place] = (write.value, write.due_at)
            if write.due_at:
                self._timers.set(place, write.due_at)
        return [(rule, firing) for firing in outcome.firings]
