"""What a template may see: the event, what earlier steps left, what conditions over time found."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookagent.event import Event
from hookagent.lookup import MISSING, find
from hookagent.subject import Reference, values


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a template may see."""

    event: Event
    steps: Mapping[str, Any] = {}
    """The output of each earlier step that left one, by the step's name."""
    facts: Mapping[str, Any] = {}
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
