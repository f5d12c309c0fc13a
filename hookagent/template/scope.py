"""What a template may see: the event, what earlier steps left, what conditions over time found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hookagent.event import Event
from hookagent.lookup import MISSING, find
from hookagent.subject import Reference, values


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a template may see."""

    event: Event
    steps: Mapping[str, Any] = field(default_factory=dict)
    """The output of each earlier step that left one, by the step's name."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """One of `FACTS` each, where the rule has an over-time condition."""

    def find(self, reference: Reference) -> list[Any]:
        """Return every value a reference reaches, none where it is missing."""
        root = reference.path[0] if reference.is_payload else ""
        if reference.text.startswith("["):
            return values(reference, self.event)
        if root == "steps" and reference.path[2:3] == ("output",):
            output = self.steps.get(str(reference.path[1]), MISSING)
            return [] if output is MISSING else find(reference.path[3:], output)
        if root in FACTS and root in self.facts:
            return find(reference.path[1:], self.facts[root])
        return values(reference, self.event)


FACTS = ("window", "throttle", "debounce", "sequence", "absence", "key", "args")
"""Names a rule's over-time condition gives a meaning to, and `args`, those of an agent's tool."""
