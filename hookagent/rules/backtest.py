"""What rules would have done to events of the past, and what two versions of them do differently.

Pure: events come in as an iterable in the order of their arrival, and are looked at once. Timers
run by the events' own clock, so the answer is the one the live run gave.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hookagent.event import Event
from hookagent.rules.model import Rule, RuleSet
from hookagent.rules.player import Fired, Player
from hookagent.rules.remembered import Firing

KEPT_MAX = 1_000
"""Firings of one rule that are kept with their events; all are counted."""

Match = Callable[[Event], Sequence[Rule]]
Would = Callable[[Rule, Event, Mapping[str, Any]], Any]
"""What a rule's actions would do for an event and the facts of a firing, as JSON."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One firing of the past."""

    event: str
    """The event's id; empty for an alert that no event stands for."""
    at: int
    facts: dict[str, Any]
    would: Any = None


class RuleReport(msgspec.Struct, kw_only=True):
    """What one rule would have done."""

    rule: str
    fired: int = 0
    matched: int = 0
    """Events it asks for; more than fired where it speaks of time."""
    acts: list[Act] = []


class Report(msgspec.Struct, kw_only=True):
    """What a rule set would have done."""

    events: int = 0
    unmatched: int = 0
    """Events that no rule asks for."""
    rules: list[RuleReport] = []


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which two rule sets differ on an event."""

    event: str
    rule: str
    kind: str
    """`fires` (only the new one does), `silent` (only the old one did) or `acts` otherwise."""
    old: Any = None
    new: Any = None


class Comparison(msgspec.Struct, kw_only=True):
    """How two rule sets differ over the same events."""

    events: int = 0
    counts: dict[str, dict[str, int]] = {}
    """By rule, how often each kind of change occurs."""
    changes: list[Change] = []
    """At most `KEPT_MAX` of each rule."""


def backtest(
    ruleset: RuleSet,
    events: Iterable[Event],
    *,
    match: Match | None = None,
    would: Would | None = None,
) -> Report:
    """Play events to a rule set and report what each rule would have done."""
    recorder = _Recorder(ruleset, would)
    watched = _counting(recorder, match or _select(ruleset))
    player = Player(ruleset, watched)
    last = 0
    for event in events:
        recorder.seen(event)
        recorder.take(player.event(event))
        last = event.received_at
    recorder.take(player.until(last))
    return recorder.report


def _select(ruleset: RuleSet) -> Match:
    from hookagent.rules.evaluate import select

    return lambda event: select(ruleset, event)


def _counting(recorder: "_Recorder", match: Match) -> Match:
    def counted(event: Event) -> Sequence[Rule]:
        found = match(event)
        recorder.matched(found)
        return found

    return counted


class _Recorder:
    """Collects what a player fires."""

    def __init__(self, ruleset: RuleSet, would: Would | None) -> None:
        enabled = [rule for rule in ruleset.rules if rule.enabled]
        self._by_name = {rule.name: RuleReport(rule=rule.name) for rule in enabled}
        self.report = Report(rules=list(self._by_name.values()))
        self._would = would
        self._recent: dict[str, Event] = {}

    def seen(self, event: Event) -> None:
        self.report.events += 1
        if self._would is not None:
            self._recent[event.id] = event
            if len(self._recent) > KEPT_MAX:
                del self._recent[next(iter(self._recent))]

    def matched(self, rules: Sequence[Rule]) -> None:
        self.report.unmatched += not rules
        for rule in rules:
            self._by_name[rule.name].matched += 1

    def take(self, fired: Iterable[Fired]) -> None:
        for rule, firing in fired:
            report = self._by_name[rule.name]
            report.fired += 1
            if len(report.acts) < KEPT_MAX:
                report.acts.append(self._act(rule, firing))

    def _act(self, rule: Rule, firing: Firing) -> Act:
        event = self._recent.get(firing.event_id)
        told = self._would(rule, event, firing.facts) if self._would and event else None
        return Act(event=firing.event_id, at=firing.at, facts=firing.facts, would=told)


def compare(
    old: RuleSet,
    new: RuleSet,
    events: Iterable[Event],
    *,
    matches: tuple[Match, Match] | None = None,
    would: Would | None = None,
) -> Comparison:
    """Play the same events to two rule sets and report where they part.

    With `would`, a rule that fires in both is held to what its actions would do; without it, to
    whether its steps were written differently.
    """
    match_old, match_new = matches or (_select(old), _select(new))
    players = Player(old, match_old), Player(new, match_new)
    comparison = Comparison()
    for event in events:
        comparison.events += 1
        fired = [_by_event(player.event(event)) for player in players]
        for key in fired[0] | fired[1]:
            change = _change(key, fired[0].get(key), fired[1].get(key), event, would)
            if change is not None:
                _count(comparison, change)
    return comparison


def _by_event(fired: Iterable[Fired]) -> dict[tuple[str, str], Fired]:
    return {(firing.event_id, rule.name): (rule, firing) for rule, firing in fired}


def _change(
    key: tuple[str, str],
    old: Fired | None,
    new: Fired | None,
    event: Event,
    would: Would | None,
) -> Change | None:
    event_id, rule = key
    if old is None or new is None:
        return Change(event=event_id, rule=rule, kind="fires" if old is None else "silent")
    if old[0].version == new[0].version:
        return None
    if would is None or event_id != event.id:
        return Change(event=event_id, rule=rule, kind="acts")
    before, after = would(old[0], event, old[1].facts), would(new[0], event, new[1].facts)
    if before == after:
        return None
    return Change(event=event_id, rule=rule, kind="acts", old=before, new=after)


def _count(comparison: Comparison, change: Change) -> None:
    counts = comparison.counts.setdefault(change.rule, {})
    counts[change.kind] = counts.get(change.kind, 0) + 1
    if sum(counts.values()) <= KEPT_MAX:
        comparison.changes.append(change)
