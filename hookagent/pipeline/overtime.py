"""Conditions over several events, as the worker sees them: judge, remember, look again later."""

from collections.abc import Sequence
from typing import Any

from hookagent.event import Event
from hookagent.rules.model import Rule, RuleSet
from hookagent.store.base import StateWrite, Store


class Overtime:
    """What rules remember between events, in memory and written behind with the routing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._states: dict[tuple[str, str], bytes] = {}
        self._ruleset: RuleSet | None = None

    def use(self, ruleset: RuleSet) -> None:
        """Judge by these rules from now on."""
        self._ruleset = ruleset

    async def load(self) -> None:
        """Read what was remembered before."""
        for state in await self._store.states():
            if state.value is not None:
                self._states[state.rule, state.key] = state.value

    def judge(
        self, event: Event, matched: Sequence[Rule]
    ) -> tuple[list[tuple[Rule, Any]], list[StateWrite]]:
        """Return which matched rules fire now, with their facts, and what to remember."""
        return [(rule, None) for rule in matched if not rule.is_over_time], []

    def commit(self, states: Sequence[StateWrite]) -> None:
        """Remember what was written."""
        for state in states:
            if state.value is None:
                self._states.pop((state.rule, state.key), None)
            else:
                self._states[state.rule, state.key] = state.value
