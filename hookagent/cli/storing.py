"""How a command comes by the store: opened beside a running agent, closed at the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hookagent.errors import NotFound

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.store.base import EventRecord, Store


@asynccontextmanager
async def opened(config: "Config") -> AsyncIterator["Store"]:
    """Open the configured store as a tool: beside `serve`, without its lock."""
    from hookagent.store.registry import open_store

    store = open_store(config.store.url, config.state_folder, mode="tool")
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def event_or_fail(store: "Store", event_id: str) -> "EventRecord":
    """Return an event; a beginning that only one event has, or a run of it, will do.

    Raises NotFound.
    """
    if event_id.startswith("run_"):
        run = await store.run(event_id)
        if run is None:
            raise NotFound(f"no run `{event_id}`", hint="hookagent dead lists the dead ones")
        event_id = run.event_id
    record = await store.event(event_id)
    if record is not None:
        return record
    near = await store.event_ids_like(event_id, 3)
    if len(near) == 1 and (record := await store.event(near[0])) is not None:
        return record
    hint = "begins so: " + ", ".join(near) if near else "hookagent inspect lists them"
    raise NotFound(f"no event `{event_id}`", hint=hint)
