"""How many runs may be under way at once, in all and of each rule."""

from collections import Counter
from collections.abc import Iterable

from hookagent.rules.model import Rule


class Room:
    """Counts places; whoever takes one leaves it again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    @property
    def free(self) -> int:
        """How many more runs may begin."""
        return self._most - self._taken.total()

    def has_place(self, rule: str, limit: int | None) -> bool:
        """Whether one more run of a rule may begin; `limit` is the rule's own."""
        return self.free > 0 and not self.is_full(rule, limit)

    def is_full(self, rule: str, limit: int | None) -> bool:
        """Whether a rule's own limit is reached."""
        return limit is not None and self._taken[rule] >= limit

    def take(self, rule: str) -> None:
        """Count a run of a rule as under way."""
        self._taken[rule] += 1

    def leave(self, rule: str) -> None:
        """Count a run of a rule as ended."""
        self._taken[rule] -= 1

    def full(self, rules: Iterable[Rule]) -> list[str]:
        """Return the rules whose own limit is reached."""
        return [rule.name for rule in rules if self.is_full(rule.name, rule.concurrency)]
