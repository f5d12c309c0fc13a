"""`hookagent wait`: until the events asked for are there, for scripts and CI."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, SourceOption, StoreOption
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hookagent.config.model import Config
    from hookagent.event import Event
    from hookagent.store.base import EventFilter, EventRecord, Store

POLL_S = 0.1
"""How often the store is asked."""
PAGE = 500


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is waited for."""

    wanted: "EventFilter"
    conditions: "list[Callable[[Event], bool]]"
    count: int
    timeout_ms: int
    json: bool


def wait(
    config: ConfigOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    *,
    type_: Annotated[str, typer.Option("--type", metavar="GLOB", help="Of this type.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="An expression: 'data.amount >= 100'."),
    ] = None,
    status: Annotated[
        str,
        typer.Option(metavar="STATE", help="Not before it is routed, or has a run done, dead, …"),
    ] = "",
    rule: Annotated[str, typer.Option(metavar="NAME", help="With a run of this rule.")] = "",
    count: Annotated[int, typer.Option(min=1, metavar="N", help="So many of them.")] = 1,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Those that came since, too: 1m or a time.")
    ] = "",
    timeout: Annotated[str, typer.Option(metavar="SPAN", help="At most so long.")] = "60s",
    json: JsonOption = False,
) -> ExitCode:
    """Wait for events and print them; exit code 1 when they do not come in time.

    Example: hookagent wait --type invoice.paid --where 'data.amount >= 100' --timeout 30s

    Example: hookagent wait --source shop --status done --since 1m --json
    """
    from hookagent.cli.conditions import read_conditions
    from hookagent.cli.selecting import event_filter
    from hookagent.located import parse_duration

    span = parse_duration(timeout)
    if span is None:
        raise UsageError(f"`--timeout {timeout}` is not a duration", hint="such as 30s or 5m")
    loaded = settings.load_config(config, store=store)
    now = clock()
    wanted = event_filter(
        now=now, source=source or "", type=type_, status=status, rule=rule, since=since, limit=PAGE,
    )  # fmt: skip
    if not since:
        wanted = msgspec.structs.replace(wanted, since=now)
    wish = Wish(
        wanted=wanted,
        conditions=read_conditions(where or []),
        count=count,
        timeout_ms=span,
        json=json,
    )
    return asyncio.run(_wait(loaded, wish))


async def _wait(config: "Config", wish: Wish) -> ExitCode:
    from hookagent.cli.storing import opened

    seen: set[str] = set()
    found = 0
    async with opened(config) as store:
        try:
            async with asyncio.timeout(wish.timeout_ms / 1000):
                while found < wish.count:
                    for record in await _new(store, config, wish, seen):
                        if found < wish.count:
                            _write(record, config, as_json=wish.json)
                            found += 1
                    if found < wish.count:
                        await asyncio.sleep(POLL_S)
        except TimeoutError:
            output.talk(f"{found} of {wish.count} events within {wish.timeout_ms / 1000:g} s")
            return ExitCode.NO
    return ExitCode.DONE


async def _new(store: "Store", config: "Config", wish: Wish, seen: set[str]) -> "list[EventRecord]":
    """Return the events that have come to meet the wish since the last look, oldest first.

    With a state asked for, an event is listed later than younger ones when its runs end later; so
    what was seen is remembered by id, not by place.
    """
    from hookagent.pipeline.history import decoded

    records: list[Any] = []
    page = wish.wanted
    while batch := await store.events(page):
        page = msgspec.structs.replace(page, before=batch[-1].seq)
        records += [one.id for one in batch if one.id not in seen]
        if len(batch) < PAGE or all(one.id in seen for one in batch):
            break
    found = []
    for event_id in reversed(records):
        seen.add(event_id)
        record = await store.event(event_id)
        if record is None:
            continue
        event = decoded(record.event, config.sources)
        if all(condition(event) for condition in wish.conditions):
            found.append(record)
    return found


def _write(record: "EventRecord", config: "Config", *, as_json: bool) -> None:
    from hookagent.cli.showing import write_rows
    from hookagent.pipeline.documents import event_document

    if as_json:
        output.json_line(event_document(record, config))
    else:
        write_rows([record.summary], heading=False)
    output.flush()
