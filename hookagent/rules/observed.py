"""What events of the past looked like: which paths occurred in which source and type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hookagent.event import Event
from hookagent.rules.shown import paths

PATHS_MAX = 5_000
"""Paths one kind of event may have; payloads with keys made of ids have endless ones."""


@dataclass(slots=True)
class Kind:
    """Events of one source and type."""

    source: str
    type: str
    count: int = 0
    paths: dict[str, int] = field(default_factory=dict)
    """How many of the events had each path, at most `PATHS_MAX` of them."""

    @property
    def is_full(self) -> bool:
        """Whether there may have been more paths than are known."""
        return len(self.paths) >= PATHS_MAX


Observed = Mapping[tuple[str, str], Kind]
"""By source and type."""


def observe(events: Iterable[Event]) -> Observed:
    """Collect the shapes of events."""
    kinds: dict[tuple[str, str], Kind] = {}
    for event in events:
        kind = kinds.setdefault((event.source, event.type), Kind(event.source, event.type))
        kind.count += 1
        for path in paths(event.payload):
            if path in kind.paths or not kind.is_full:
                kind.paths[path] = kind.paths.get(path, 0) + 1
    return kinds
