"""`hookagent nodes`: who is at work on a shared store, and whether they agree."""

import asyncio
from typing import TYPE_CHECKING

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.errors import ExitCode

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.store.sharing import Duty, Node

COLUMNS = (
    "node", "role", "version", "config", "rules", "running", "waiting", "lag", "seen", "duties",
)  # fmt: skip


def nodes(
    config: ConfigOption = None, store: StoreOption = None, *, json: JsonOption = False
) -> ExitCode:
    """List the nodes on a shared store; exit code 1 where versions, configurations or rules differ.

    Example: hookagent nodes --json
    """
    return asyncio.run(_nodes(settings.load_config(config, store=store), as_json=json))


async def _nodes(config: "Config", *, as_json: bool) -> ExitCode:
    from hookagent.cli.storing import opened
    from hookagent.pipeline.nodes import SHOWN_MS, differences, disagreements

    now = clock()
    async with opened(config) as store:
        is_shared = store.is_shared
        found = await store.nodes(since=now - SHOWN_MS)
        duties = [duty for duty in await store.duties() if duty.until > now]
    if as_json:
        for node in found:
            output.json_line(_document(node, duties, now))
    elif found:
        output.table(COLUMNS, [_row(node, duties, now) for node in found])
    if not found:
        output.talk(
            "no node has reported in the last ten minutes"
            if is_shared
            else "this store has one owner at a time: `hookagent stats` tells about it"
        )
    for line in differences(found, now):
        output.talk(f"warning: {line}")
    return ExitCode.NO if disagreements(found, now) else ExitCode.DONE


def _row(node: "Node", duties: "list[Duty]", now: int) -> tuple[str, ...]:
    from hookagent.cli.live import duration
    from hookagent.pipeline.nodes import label

    return (
        label(node),
        node.role,
        node.version,
        node.config,
        node.rules or "-",
        str(node.running),
        str(node.waiting),
        duration(node.lag_ms),
        f"{duration(max(now - node.seen_at, 0))} ago",
        " ".join(duty.name for duty in duties if duty.owner == node.id),
    )


def _document(node: "Node", duties: "list[Duty]", now: int) -> dict[str, object]:
    import msgspec

    from hookagent.pipeline.nodes import SILENT_MS

    told: dict[str, object] = msgspec.to_builtins(node)
    return told | {
        "silent": now - node.seen_at >= SILENT_MS,
        "duties": [duty.name for duty in duties if duty.owner == node.id],
    }
