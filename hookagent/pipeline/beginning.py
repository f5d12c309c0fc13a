"""From rules that fired to what is written with the event's routing: whose each run is from now on.

A run is ours from the start where there is room for it and nobody else must say whose turn it is;
one that is over at once is done by then. All others are pending, for anybody to claim.
"""

from collections.abc import Callable, Sequence

from hookagent.event import Event
from hookagent.job import RunState
from hookagent.pipeline.atonce import AtOnce, are_over_at_once
from hookagent.pipeline.firing import new_run
from hookagent.pipeline.hands import Hands
from hookagent.pipeline.overtime import Fired
from hookagent.pipeline.rulebook import Bindings
from hookagent.rules.model import Rule
from hookagent.rules.remembered import Firing
from hookagent.store.base import Routed, RuleVersion, Run


class Beginning:
    """Makes the runs of one worker."""

    def __init__(  # noqa: PLR0913 - the parts it is wired to
        self,
        hands: Hands,
        at_once: AtOnce,
        bindings: Bindings,
        entropy: Callable[[], int],
        *,
        owner: str,
        run_lease_ms: int,
        event_lease_ms: int | None,
    ) -> None:
        """`event_lease_ms` says how long an event is ours where others could take it."""
        self._hands = hands
        self._at_once = at_once
        self._bindings = bindings
        self._entropy = entropy
        self._owner = owner
        self._run_lease_ms = run_lease_ms
        self._event_lease_ms = event_lease_ms
        self._told: frozenset[str] = frozenset()
        self._over_at_once: frozenset[str] = frozenset()
        self.is_stopping = False
        """From then on no run is ours from the start."""

    def use(self, rules: Sequence[Rule]) -> None:
        """Go by these rules from now on."""
        self._told = self._hands.told = frozenset(r.name for r in rules if self._is_told(r))
        self._over_at_once = frozenset(r.name for r in rules if are_over_at_once(r))

    def routed(
        self,
        event: Event | None,
        fired: Sequence[Fired],
        now: int,
        left: Sequence[str] = (),
    ) -> Routed:
        """Turn firings into runs; those of another event than this wait to be claimed."""
        acting = [(rule, firing) for rule, firing in fired if rule.do]
        return Routed(
            event_id=event.id if event else "",
            versions=[self.version_of(rule) for rule, _ in acting],
            runs=[self._run(rule, firing, event, now) for rule, firing in acting],
            left_to_judge=left,
        )

    def version_of(self, rule: Rule) -> RuleVersion:
        """Return what the store keeps of a rule's steps."""
        return self._bindings.of_rule(rule).version

    def _run(self, rule: Rule, firing: Firing, event: Event | None, now: int) -> Run:
        run = new_run(rule, firing, event, now, self._entropy())
        if event is None or run.event_id != event.id or self.is_stopping or rule.name in self._told:
            return run
        if rule.name in self._over_at_once and self._is_held(event, now):
            return self._at_once.done(run, event)
        if self._hands.admit(run.id, rule):
            run.state = RunState.RUNNING
            run.owner = self._owner
            run.lease_until = now + self._run_lease_ms
        return run

    def _is_held(self, event: Event, now: int) -> bool:
        """Whether nobody else can have taken an event of ours by now."""
        return self._event_lease_ms is None or now < event.received_at + self._event_lease_ms

    def _is_told(self, rule: Rule) -> bool:
        """Whether the store says which run of a rule is next."""
        is_shared = self._event_lease_ms is not None
        return bool(rule.ordered_by) or (rule.concurrency is not None and is_shared)
