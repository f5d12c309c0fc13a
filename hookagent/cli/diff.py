"""`hookagent diff`: where two deliveries differ, by path; what differs every time set aside."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import settings, targets
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.eventfile import Captured

TARGET = "An event file, `-`, or a stored id."


def diff(
    one: Annotated[str, typer.Argument(metavar="A", help=TARGET)],
    other: Annotated[str, typer.Argument(metavar="B", help=TARGET)],
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Ids, times and signatures too, which always differ.")
    ] = False,
    json: JsonOption = False,
) -> ExitCode:
    """Compare two deliveries; exit code 1 where they differ.

    Example: hookagent diff evt_018c… evt_018d…

    Example: hookagent diff yesterday.json today.json --all
    """
    from hookagent.cli.showing import write_differences
    from hookagent.pipeline.comparing import differences

    pair = asyncio.run(_both(one, other, config, store))
    found = differences(pair[0].request, pair[1].request)
    return write_differences(found, every=every, as_json=json)


async def _both(
    one: str, other: str, config: Path | None, store: str | None
) -> "tuple[Captured, Captured]":
    """Return what the two targets stand for. Raises UsageError, NotFound."""
    if not (targets.is_stored(one) or targets.is_stored(other)):
        return _only(one, targets.read_file(one)), _only(other, targets.read_file(other))
    from hookagent.cli.storing import opened

    async with opened(settings.load_config(config, store=store)) as found:
        return (
            _only(one, await targets.load(one, found)),
            _only(other, await targets.load(other, found)),
        )


def _only(name: str, captures: "list[Captured]") -> "Captured":
    if len(captures) != 1:
        raise UsageError(f"`{name}` holds {len(captures)} requests", hint="give one at a time")
    return captures[0]
