"""Leaves out the probes of places an event does not have.

Thousands of rules may each ask for a field of their own. Going by the event's fields rather than by
the rules' costs what the event has, not what they might ask.
"""

from collections.abc import Iterable

from hookagent.lookup import MISSING, Path
from hookagent.rules.decode import Partial, attribute
from hookagent.rules.index.look import Look
from hookagent.rules.index.probes import Hits, Probe


class _Place:
    """A place in a document: what is asked of it, and the places below."""

    __slots__ = ("below", "fields", "probes")

    def __init__(self) -> None:
        self.below: dict[str, _Place] = {}
        self.fields: dict[str, _Place] = {}
        """The places below by their names in what was decoded in part."""
        self.probes: list[Probe] = []

    def at(self, name: str) -> "_Place":
        """Return the place of a member, made when it is first asked for."""
        place = self.below.get(name)
        if place is None:
            place = self.below[name] = self.fields[attribute(name)] = _Place()
        return place


class Sieve:
    """Probes of the payload by the paths they ask for; a probe itself."""

    __slots__ = ("_root",)

    def __init__(self, placed: Iterable[tuple[Path, Probe]]) -> None:
        self._root = _Place()
        for path, probe in placed:
            place = self._root
            for step in path:
                if isinstance(step, int):
                    break  # whatever the list holds: the probe will see
                place = place.at(step)
            place.probes.append(probe)

    def collect(self, look: Look, hits: Hits) -> None:
        for probe in self._present(look):
            probe.collect(look, hits)

    def _present(self, look: Look) -> Iterable[Probe]:
        """Return the probes of the places that are there, each once."""
        found: dict[Probe, None] = {}
        pending = [(self._root, look.payload)]
        while pending:
            place, value = pending.pop()
            found.update(dict.fromkeys(place.probes))
            if isinstance(value, Partial):
                pending += [
                    (below, getattr(value, field))
                    for field, below in place.fields.items()
                    if getattr(value, field, MISSING) is not MISSING
                ]
            elif type(value) is dict:
                pending += [
                    (place.below[name], value[name]) for name in place.below.keys() & value.keys()
                ]
            elif type(value) is list and place.below:
                pending += [(place, element) for element in value]
        return found
