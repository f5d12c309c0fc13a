"""Leaves out the probes of places an event does not have.

Thousands of rules may each ask for a field of their own. Going by the event's fields rather than by
the rules' costs what the event has, not what they might ask.
"""

from collections.abc import Iterable

from hookagent.lookup import Path
from hookagent.rules.decode import Partial
from hookagent.rules.index.look import Look
from hookagent.rules.index.probes import Hits, Probe


class _Place:
    """A place in a document: what is asked of it, and the places below."""

    __slots__ = ("below", "probes")

    def __init__(self) -> None:
        self.below: dict[str, _Place] = {}
        self.probes: list[Probe] = []


class Sieve:
    """Probes of the payload by the paths they ask for; a probe itself."""

    __slots__ = ("_all", "_root")

    def __init__(self, placed: Iterable[tuple[Path, Probe]]) -> None:
        self._root = _Place()
        self._all: list[Probe] = []
        for path, probe in placed:
            self._all.append(probe)
            place = self._root
            for step in path:
                if isinstance(step, int):
                    break  # whatever the list holds: the probe will see
                place = place.below.setdefault(step, _Place())
            place.probes.append(probe)

    def collect(self, look: Look, hits: Hits) -> None:
        for probe in self._present(look):
            probe.collect(look, hits)

    def _present(self, look: Look) -> Iterable[Probe]:
        """Return the probes of the places that are there, each once."""
        if isinstance(look.payload, Partial):
            return self._all
        found: dict[Probe, None] = {}
        pending = [(self._root, look.payload)]
        while pending:
            place, value = pending.pop()
            found.update(dict.fromkeys(place.probes))
            if type(value) is dict:
                pending += [
                    (place.below[name], value[name]) for name in place.below.keys() & value.keys()
                ]
            elif type(value) is list and place.below:
                pending += [(place, element) for element in value]
        return found
