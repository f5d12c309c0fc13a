"""The part of a store that answers questions: nothing here changes anything."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from hookagent.event import Event

if TYPE_CHECKING:
    from hookagent.store.base import (
        EventFilter,
        EventRecord,
        EventSummary,
        Minute,
        Rejected,
        RuleVersion,
        Run,
        RunFilter,
        StoreStats,
    )


class Looking(Protocol):
    """What can be asked. Anything may raise StoreUnavailable."""

    async def events(self, wanted: "EventFilter") -> "list[EventSummary]":
        """List events."""

    async def event(self, event_id: str) -> "EventRecord | None":
        """Return one event in full, or None."""

    async def events_of(self, event_ids: Sequence[str]) -> list[Event]:
        """Return these events as they arrived, in any order; those that are gone are left out."""

    async def event_ids_like(self, beginning: str, limit: int) -> list[str]:
        """Return ids of events that begin so, for hints and completion."""

    async def runs(self, wanted: "RunFilter") -> "list[Run]":
        """List runs."""

    async def run(self, run_id: str) -> "Run | None":
        """Return one run, or None."""

    async def rule_version(self, version: str) -> "RuleVersion | None":
        """Return the recorded actions of a rule, or None."""

    async def rejected(self, *, limit: int, source: str = "") -> "list[Rejected]":
        """List refused deliveries, newest first."""

    async def rejection(self, rejected_id: str) -> "Rejected | None":
        """Return one refused delivery, or None."""

    async def stats(self, *, since: int) -> "StoreStats":
        """Count; sources within the time since then."""

    async def activity(self, *, since: int) -> "list[Minute]":
        """Return the minutes since then in which something happened, oldest first.

        Begins with the full minute before. Costs by what is returned, not by what is stored.
        """
