"""`hookagent export`: events and captures as event files, HAR, curl commands or a pytest module."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hookagent.cli import output, settings, targets
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, LimitOption, SourceOption, StoreOption
from hookagent.errors import ExitCode, NotFound

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.eventfile import Captured
    from hookagent.store.base import EventFilter


def export(
    target: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TARGET…]", help="Stored ids or captures; else a selection."),
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    *,
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="json, har, curl or pytest.")
    ] = "json",
    type_: Annotated[str, typer.Option("--type", metavar="GLOB", help="Only this type.")] = "",
    status: Annotated[str, typer.Option(metavar="STATE", help="With a run in this state.")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="2h, 7d or a date.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Until then.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="An expression: 'data.amount >= 100'."),
    ] = None,
    limit: LimitOption = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change the payload.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Take a field out of the payload.")
    ] = None,
) -> ExitCode:
    """Write events to stdout, oldest first, secrets masked.

    Example: hookagent export --source shop --since 1d > events.jsonl

    Example: hookagent export evt_018c… --format pytest > test_order_paid.py
    """
    from hookagent.cli.conditions import meeting
    from hookagent.cli.exporting import check_form, write
    from hookagent.cli.selecting import event_filter
    from hookagent.pipeline.replay import edited, parse_remove, parse_set

    check_form(form)
    loaded = settings.load_config(config, store=store)
    wanted = event_filter(
        now=clock(), source=source or "", type=type_, status=status, since=since, until=until,
        limit=None if where else limit,
    )  # fmt: skip
    edits = [*map(parse_set, set_ or ()), *map(parse_remove, remove or ())]
    meets = meeting(where or [], loaded, source or "")
    found = [one for one in asyncio.run(_captures(loaded, target or [], wanted)) if meets(one)]
    if where and limit:
        found = found[-limit:]
    if not found:
        raise NotFound("no event is selected", hint="hookagent inspect shows what there is")
    write([_edited(one, edited(one.request, edits)) for one in found], form, loaded)
    return ExitCode.DONE


def _edited(captured: "Captured", request: Any) -> "Captured":
    return msgspec.structs.replace(captured, request=request)


async def _captures(config: "Config", names: list[str], wanted: "EventFilter") -> "list[Captured]":
    from hookagent.cli.storing import opened

    if names and not any(map(targets.is_stored, names)):
        return [captured for name in names for captured in targets.read_file(name)]
    found = []
    async with opened(config) as store:
        if not names:
            names = [one.id for one in reversed(await store.events(wanted))]
        with output.Progress("events read", len(names)) as progress:
            for name in names:
                found += await targets.load(name, store)
                progress.step()
    return found
