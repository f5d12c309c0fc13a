"""What rules ask for an event before it is stored: one that no rule asks for is stored as routed.

So it costs one write and not two. What was found is kept for the others until their routing, unless
the rules change in between.
"""

from collections.abc import Sequence

from hookagent.event import Event
from hookagent.pipeline.rulebook import Rulebook
from hookagent.rules.model import Rule

KEPT_MAX = 4_096
"""Events whose rules are kept: those of a duplicate are never asked for."""


class Foresight:
    """What the rules in force say of events under way to the store."""

    def __init__(self) -> None:
        self._rulebook: Rulebook | None = None
        self._kept: dict[str, Sequence[Rule]] = {}

    def use(self, rulebook: Rulebook) -> None:
        """Go by these rules from now on."""
        self._rulebook = rulebook
        self._kept.clear()

    def wants(self, event: Event) -> bool:
        """Whether any rule asks for an event; also where that cannot be said yet."""
        rulebook = self._rulebook
        if rulebook is None:
            return True
        try:
            matched = rulebook.select(event)
            is_wanted = bool(matched or rulebook.follow(event))
        except Exception:  # noqa: BLE001 - routing meets the bug again and says so; the event is safe
            return True
        if is_wanted:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[event.id] = matched
        return is_wanted

    def matched(self, event: Event, rulebook: Rulebook) -> Sequence[Rule]:
        """Return the rules an event matches."""
        kept = self._kept.pop(event.id, None)
        return rulebook.select(event) if kept is None else kept
