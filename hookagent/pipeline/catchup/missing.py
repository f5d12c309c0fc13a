"""Which of a log's events are not in the store."""

import msgspec

from hookagent.config.model import Source
from hookagent.pipeline.catchup.base import Entry, Log
from hookagent.pipeline.history import history
from hookagent.store.base import EventFilter, Store

CURSOR = "catchup:"
OVERLAP_MS = 3_600_000
"""Looked at once more: logs are not always in the order of delivery."""
FIRST_MS = 3 * 86_400_000
"""How far back to look the first time: as long as GitHub keeps its deliveries."""
STORED_MAX = 100_000


async def since(store: Store, source: str, now: int) -> int:
    """Return since when to look: the last time everything was brought in, or three days."""
    kept = await store.kept(CURSOR + source)
    try:
        last = 0 if kept is None else int(kept)
    except ValueError:
        last = 0
    return max(last - OVERLAP_MS, now - 30 * 86_400_000) if last else now - FIRST_MS


async def remember(store: Store, source: str, at: int) -> None:
    """Keep that everything up to then is here."""
    await store.keep(CURSOR + source, str(at).encode())


async def missed(log: Log, store: Store, source: Source, since_at: int) -> list[Entry]:
    """Return what the log has and the store has not, the oldest first."""
    known = await _known(log, store, source, since_at)
    found = [entry async for entry in log.entries(since_at) if entry.id not in known]
    return sorted(found, key=lambda entry: entry.at)


async def _known(log: Log, store: Store, source: Source, since_at: int) -> set[str]:
    """Return the provider's ids of what arrived; it cannot have arrived before it was sent."""
    wanted = EventFilter(source=source.name, since=since_at - OVERLAP_MS, limit=STORED_MAX)
    events = history(store, {source.name: source}, wanted)
    return {log.id_of(event) async for event in events}


def entry_document(entry: Entry) -> dict[str, object]:
    """Return one entry as JSON, without its content."""
    from hookagent.eventfile import format_time

    shown: dict[str, object] = msgspec.to_builtins(entry)
    del shown["content"]
    return {**shown, "at": format_time(entry.at)}
