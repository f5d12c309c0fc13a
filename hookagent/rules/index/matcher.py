"""Rules compiled once, asked for every event."""

from hookagent.event import Event
from hookagent.rules import evaluate
from hookagent.rules.model import Rule, RuleSet


class Matcher:
    """Answers for one rule set; immutable, so any number of threads may ask."""

    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset = ruleset

    def match(self, event: Event) -> list[Rule]:
        """Return the rules an event matches, in order, as `evaluate.select` gives them."""
        return evaluate.select(self.ruleset, event)
