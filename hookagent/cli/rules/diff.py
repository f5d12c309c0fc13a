"""`hookagent rules diff`: which stored events two versions of the rules treat differently."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, LimitOption, StoreOption
from hookagent.cli.rules.book import read_book
from hookagent.errors import ExitCode

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.event import Event
    from hookagent.rules.backtest import Comparison
    from hookagent.store.base import EventFilter

WORDS = {"fires": "now fires", "silent": "no longer fires", "acts": "acts differently"}


def diff(
    old: Annotated[Path, typer.Argument(help="A folder or file of rules.")],
    new: Annotated[Path, typer.Argument(help="The other one.")],
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    source: Annotated[str, typer.Option(metavar="NAME", help="Only events of this source.")] = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Events since: 2h, 7d, a date.")
    ] = "7d",
    limit: LimitOption = None,
    json: JsonOption = False,
) -> ExitCode:
    """Play stored events to two versions of the rules and name every event they differ on.

    Exits with 1 where there is a difference.

    Example: hookagent rules diff rules rules.new --since 7d
    """
    from hookagent.cli.rules.acting import would_of
    from hookagent.cli.selecting import event_filter
    from hookagent.rules.backtest import compare

    loaded = settings.load_config(config, store=store)
    before, after = read_book(loaded, [old]), read_book(loaded, [new])
    wanted = event_filter(now=clock(), source=source, since=since, limit=limit)
    events = asyncio.run(collect(loaded, wanted))
    found = compare(
        before.ruleset,
        after.ruleset,
        output.Progress("events matched", len(events)).over(events),
        matches=(before.select, after.select),
        would=would_of(loaded.environment),
    )
    if json:
        output.json_line(msgspec.to_builtins(found))
    else:
        _show(found)
    return ExitCode.NO if found.changes else ExitCode.DONE


async def collect(config: "Config", wanted: "EventFilter") -> "list[Event]":
    """Return stored events in the order of their arrival."""
    from hookagent.cli.storing import opened
    from hookagent.pipeline.history import history

    async with opened(config) as store:
        with output.Progress("events read") as progress:
            found = []
            async for event in history(store, config.sources, wanted, told=progress.expect):
                found.append(event)
                progress.step()
    return found


def _show(found: "Comparison") -> None:
    for change in found.changes:
        output.data(f"{change.event or '(a timer)'}  {change.rule}  {WORDS[change.kind]}")
        if change.kind == "acts" and change.old is not None:
            for sign, value in (("-", change.old), ("+", change.new)):
                output.data(f"  {sign} ", output.safe_line(msgspec.json.encode(value).decode()))
    if not found.changes:
        output.data(f"{found.events} events: no difference")
        return
    for rule, counts in found.counts.items():
        told = ", ".join(f"{WORDS[kind]} {count} times" for kind, count in counts.items())
        output.talk(f"{rule}: {told}")
