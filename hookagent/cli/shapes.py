"""`hookagent shapes`: which fields the events of a type have, and what changed lately."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, SourceOption, StoreOption
from hookagent.errors import ExitCode, NotFound

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.event import Event
    from hookagent.pipeline.shapes import Change, Shape
    from hookagent.store.base import EventFilter

LIMIT = 1_000
LATELY_PART = 10
"""One in so many events counts as lately where nothing is said, and at least `LATELY_MIN`."""
LATELY_MIN = 5


def shapes(
    type_: Annotated[
        str, typer.Argument(metavar="[TYPE]", help="A type or glob; everything when left out.")
    ] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="2h, 7d or a date.")] = "",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The latest N events.")] = LIMIT,
    lately: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The last N are compared with the rest.")
    ] = None,
    json: JsonOption = False,
) -> ExitCode:
    """Show the fields seen in events of a type: types, how often null or missing, what changed.

    Example: hookagent shapes 'invoice.*'
    """
    from hookagent.cli.selecting import event_filter

    loaded = settings.load_config(config, store=store)
    wanted = event_filter(now=clock(), source=source or "", type=type_, since=since, limit=limit)
    return asyncio.run(_shapes(loaded, wanted, lately, as_json=json))


async def _shapes(
    config: "Config", wanted: "EventFilter", lately: int | None, *, as_json: bool
) -> ExitCode:
    from hookagent.pipeline.shapes import changes, shape_of

    found = await _events(config, wanted)
    if not found:
        raise NotFound("no event is of that type", hint="hookagent inspect shows what there is")
    recent = min(lately or max(len(found) // LATELY_PART, LATELY_MIN), len(found) - 1)
    payloads = [event.payload for event in found]
    shape = shape_of(payloads)
    cut = len(found) - recent
    changed = changes(shape_of(payloads[:cut]), shape_of(payloads[cut:])) if recent else []
    if as_json:
        _write_json(shape, changed)
    else:
        _write(shape, changed, events=len(found), recent=recent)
    return ExitCode.DONE


async def _events(config: "Config", wanted: "EventFilter") -> "list[Event]":
    from hookagent.cli.storing import opened
    from hookagent.pipeline.history import history

    async with opened(config) as store:
        with output.Progress("events read") as progress:
            found = []
            async for event in history(store, config.sources, wanted, told=progress.expect):
                found.append(event)
                progress.step()
    return found


def _write_json(shape: "Shape", changed: "list[Change]") -> None:
    for path, field in shape.items():
        output.json_line(
            {
                "path": path,
                "present": field.present,
                "missing": field.missing,
                "null": field.null,
                "types": field.types,
                "changes": [
                    {key: value for key, value in msgspec.to_builtins(one).items() if key != "path"}
                    for one in changed
                    if one.path == path
                ],
            }
        )


def _write(shape: "Shape", changed: "list[Change]", *, events: int, recent: int) -> None:
    rows = [
        (
            path or "(the whole)",
            "/".join(sorted(field.types, key=lambda kind: -field.types[kind])),
            str(field.present),
            _share(field.missing, field.chances),
            _share(field.null, field.present),
        )
        for path, field in shape.items()
    ]
    output.table(("field", "type", "seen", "missing", "null"), rows)
    if not recent:
        return
    output.talk(f"the last {recent} of {events} events against those before:")
    for one in changed:
        output.talk(
            output.Ink(f"  {one.what:<8}", "yellow"),
            f"{output.safe_line(one.path or '(the whole)')}: {one.before} → {one.after}",
        )
    if not changed:
        output.talk("  nothing changed")


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.0f} %" if count else "-"
