"""`hookagent inspect`: what arrived, and what became of it."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import (
    ConfigOption,
    JsonOption,
    LimitOption,
    SourceOption,
    StoreOption,
)
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.store.base import EventFilter, Store

LIMIT = 20
POLL_S = 0.5
"""How often a follower asks for more."""


def inspect(
    event: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID…]", help="One to show (or a run of it), two to compare."),
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    source: SourceOption = None,
    *,
    type_: Annotated[str, typer.Option("--type", metavar="GLOB", help="Only this type.")] = "",
    status: Annotated[
        str,
        typer.Option(
            metavar="STATE", help="stored, routed, quiet, or a run's state: done, waiting, dead."
        ),
    ] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="2h, 7d or a date.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Until then.")] = "",
    rule: Annotated[str, typer.Option(metavar="NAME", help="With a run of this rule.")] = "",
    verdict: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="ok, unchecked, body-signed, origin-only, token, none; refused or the reason.",
        ),
    ] = "",
    text: Annotated[str, typer.Option(metavar="WORDS", help="Occurs in the body.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="An expression: 'data.amount >= 100'."),
    ] = None,
    limit: LimitOption = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Refused deliveries: --verdict refused.")
    ] = False,
    export: Annotated[
        str | None, typer.Option(metavar="FORM", help="json, har, curl or pytest.")
    ] = None,
    tui: Annotated[
        bool | None,
        typer.Option(
            "--tui/--no-tui",
            help="The full-screen view; on a terminal it opens where nothing else is asked.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> ExitCode:
    """List, filter, follow, show, compare and export events.

    Example: hookagent inspect --source github --since 1h --where 'action == "opened"'

    Example: hookagent inspect evt_018c… --export curl
    """
    from hookagent.cli.selecting import event_filter
    from hookagent.pipeline.refusals import means_refused

    names = event or []
    if export is not None:
        from hookagent.cli.exporting import check_form

        check_form(export)
    loaded = settings.load_config(config, store=store)
    most = limit or (None if export and not names else LIMIT)
    wanted = event_filter(
        now=clock(), source=source or "", type=type_, status=status, since=since, until=until,
        rule=rule, verdict=verdict, text=text, limit=most,
    )  # fmt: skip
    is_refused = means_refused(verdict) or rejected
    is_bare = not (names or json or follow or rejected or export or where or limit or text)
    is_bare = is_bare and wanted == event_filter(now=0, limit=LIMIT)
    if not is_refused and (tui or (tui is None and is_bare)):
        from hookagent.cli.tui import obstacle, show

        why_not = obstacle()
        if not why_not:
            return asyncio.run(show(loaded, wanted))
        if tui:
            output.talk(f"no full-screen view: {why_not}; here is the list")
    task = _Task(loaded, wanted, where or [], as_json=json, export=export)
    if is_refused and not names:
        return asyncio.run(task.rejected(follow=follow))
    if len(names) > 2:  # noqa: PLR2004 - a pair
        raise UsageError("give one event to show, or two to compare")
    if len(names) == 2:  # noqa: PLR2004 - a pair
        return asyncio.run(task.compare(*names))
    if names:
        return asyncio.run(task.show(names[0]))
    if export:
        return asyncio.run(task.export_many())
    return asyncio.run(task.list_events(follow=follow))


class _Task:
    """One call of the command."""

    def __init__(
        self,
        config: "Config",
        wanted: "EventFilter",
        where: list[str],
        *,
        as_json: bool,
        export: str | None,
    ) -> None:
        from hookagent.cli.conditions import read_conditions

        self.config = config
        self.wanted = wanted
        self.conditions = read_conditions(where)
        self.as_json = as_json
        self.export = export

    async def list_events(self, *, follow: bool) -> ExitCode:
        """List events, newest first; go on with what comes."""
        from hookagent.cli.showing import write_rows
        from hookagent.cli.storing import opened
        from hookagent.pipeline.documents import event_row

        async with opened(self.config) as store:
            found = await self._matching(store)
            shown = list(reversed(found)) if follow else found
            if self.as_json:
                for summary in shown:
                    output.json_line(event_row(summary))
            else:
                write_rows(shown)
            if not found and not follow:
                output.talk(self._nothing())
            if follow:
                await self._follow(store, max((one.seq for one in found), default=0))
        return ExitCode.DONE

    def _nothing(self) -> str:
        """Say why no event is listed, and what to do."""
        from hookagent.cli.selecting import event_filter

        if self.conditions or self.wanted != event_filter(now=0, limit=self.wanted.limit):
            return "no event is like that; `hookagent inspect` lists all"
        if self.config.file is None:
            return "no event is there, and no hookagent.toml here or above: in another folder?"
        return "no event is there yet; `hookagent sign --send` makes one"

    async def _matching(self, store: "Store") -> list[Any]:
        """Return a page of events, those that meet `--where` only."""
        import msgspec

        if not self.conditions:
            return await store.events(self.wanted)
        found: list[Any] = []
        page = msgspec.structs.replace(self.wanted, limit=500)
        while len(found) < self.wanted.limit and (batch := await store.events(page)):
            found += [one for one in batch if await self._meets(store, one.id)]
            page = msgspec.structs.replace(page, before=batch[-1].seq)
        return found[: self.wanted.limit]

    async def _meets(self, store: "Store", event_id: str) -> bool:
        import msgspec

        from hookagent.pipeline.gate import value_of

        record = await store.event(event_id)
        if record is None:
            return False
        source = self.config.sources.get(record.event.source)
        value = value_of(source, record.event.request)
        event = msgspec.structs.replace(record.event, payload=value)
        return all(condition(event) for condition in self.conditions)

    async def _follow(self, store: "Store", seen: int) -> None:
        """Print events as they come, until Ctrl-C."""
        import msgspec

        from hookagent.cli.showing import write_rows
        from hookagent.pipeline.documents import event_row

        while True:
            page = msgspec.structs.replace(self.wanted, after=seen, limit=500)
            for summary in await store.events(page):
                seen = max(seen, summary.seq)
                if self.conditions and not await self._meets(store, summary.id):
                    continue
                if self.as_json:
                    output.json_line(event_row(summary))
                else:
                    write_rows([summary], heading=False)
                    output.flush()
            await asyncio.sleep(POLL_S)

    async def show(self, event_id: str) -> ExitCode:
        """Show or export one event."""
        from hookagent.cli.showing import write_event
        from hookagent.cli.storing import event_or_fail, opened
        from hookagent.cli.targets import load
        from hookagent.pipeline.documents import event_document, rejection_document

        async with opened(self.config) as store:
            if self.export:
                self._write_export(await load(event_id, store))
                return ExitCode.DONE
            if event_id.startswith("rej_"):
                (captured,) = await load(event_id, store)
                rejection = await store.rejection(event_id)
                assert rejection is not None
                document = rejection_document(captured, rejection)
            else:
                record = await event_or_fail(store, event_id)
                document = event_document(record, self.config)
        if self.as_json:
            output.json_line(document)
        else:
            write_event(document)
        return ExitCode.DONE

    async def compare(self, one: str, other: str) -> ExitCode:
        """Show where two events differ; exit code 1 where they do."""
        from hookagent.cli.showing import write_differences
        from hookagent.cli.storing import event_or_fail, opened
        from hookagent.pipeline.comparing import differences

        async with opened(self.config) as store:
            pair = [(await event_or_fail(store, name)).event for name in (one, other)]
        found = differences(pair[0].request, pair[1].request)
        return write_differences(found, as_json=self.as_json)

    async def export_many(self) -> ExitCode:
        """Export a selection, oldest first."""
        from hookagent.cli.storing import opened
        from hookagent.cli.targets import load

        async with opened(self.config) as store:
            captures = []
            for summary in reversed(await self._matching(store)):
                captures += await load(summary.id, store)
        self._write_export(captures)
        return ExitCode.DONE

    def _write_export(self, captures: list[Any]) -> None:
        """Write captures in the form asked for."""
        from hookagent.cli.exporting import write

        assert self.export is not None
        write(captures, self.export, self.config)

    async def rejected(self, *, follow: bool) -> ExitCode:
        """List refused deliveries, newest first; or go on with what comes, oldest first."""
        from hookagent.cli.storing import opened
        from hookagent.pipeline.refusals import refusals

        async with opened(self.config) as store:
            found = await refusals(store, self.wanted)
            self._write_rejected(found[::-1] if follow else found)
            if not found and not follow:
                output.talk("nothing was refused")
            seen = {one.id for one in found}
            while follow:
                await asyncio.sleep(POLL_S)
                found = await refusals(store, self.wanted)
                self._write_rejected([one for one in found[::-1] if one.id not in seen])
                seen = {one.id for one in found}
        return ExitCode.DONE

    def _write_rejected(self, found: list[Any]) -> None:
        from hookagent.cli.showing import write_rejections
        from hookagent.pipeline.documents import rejection_row

        if not self.as_json:
            write_rejections(found)
        for one in found if self.as_json else ():
            output.json_line(rejection_row(one))
        output.flush()
