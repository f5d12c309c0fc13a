"""`hookagent catchup`: what a provider sent while nobody listened."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption, complete_source
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config, Source
    from hookagent.pipeline.catchup.base import Entry, Log
    from hookagent.pipeline.catchup.providers import Account


def catchup(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A source.", autocompletion=complete_source)
    ],
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Read what was missed and store it as fetched.")
    ] = False,
    redeliver: Annotated[
        bool, typer.Option("--redeliver", help="Ask the provider to send it again, signed.")
    ] = False,
    since: Annotated[
        str,
        typer.Option(metavar="TIME", help="Since: 2h, 3d, a date; the last time when left out."),
    ] = "",
    token: Annotated[
        str | None,
        typer.Option(metavar="S", help="The interface's token; @FILE or '${NAME}'."),
    ] = None,
    repo: Annotated[str, typer.Option(metavar="OWNER/NAME", help="GitHub: whose webhook.")] = "",
    org: Annotated[str, typer.Option(metavar="NAME", help="GitHub: an organisation's.")] = "",
    hook: Annotated[
        str, typer.Option(metavar="ID", help="GitHub: which; else the one that leads here.")
    ] = "",
    app: Annotated[str, typer.Option(metavar="ID", help="Svix: which application.")] = "",
    endpoint: Annotated[
        str, typer.Option(metavar="ID", help="Svix: the endpoint to send to again.")
    ] = "",
    kind: Annotated[
        str, typer.Option("--from", metavar="NAME", help="github, stripe or svix.")
    ] = "",
    api: Annotated[
        str, typer.Option(metavar="URL", help="The interface's address, where it is another.")
    ] = "",
    json: JsonOption = False,
) -> ExitCode:
    """Show what a provider sent and never arrived; fetch it, or have it sent again.

    Example: hookagent catchup github --repo octocat/hello

    Example: hookagent catchup stripe --since 2d --fetch
    """
    from hookagent.pipeline.catchup.providers import LOGS, Account

    if fetch and redeliver:
        raise UsageError("give either `--fetch` or `--redeliver`")
    if kind and kind not in LOGS:
        raise UsageError(f"`--from {kind}` is not known", hint="known: " + ", ".join(LOGS))
    from hookagent.cli.crafting import read_secret

    loaded = settings.load_config(config, store=store)
    account = Account(
        kind=kind,
        token=read_secret(token) if token else "",
        base=api,
        repository=repo,
        organisation=org,
        hook=hook,
        app=app,
        endpoint=endpoint,
    )
    chosen = loaded.source(source)
    do = "fetch" if fetch else "redeliver" if redeliver else ""
    return asyncio.run(_catchup(loaded, chosen, account, since, do, as_json=json))


async def _catchup(
    config: "Config", source: "Source", account: "Account", since: str, do: str, *, as_json: bool
) -> ExitCode:
    from hookagent.actions.base import Outside
    from hookagent.cli.selecting import read_moment
    from hookagent.cli.storing import opened
    from hookagent.pipeline.catchup import missing
    from hookagent.pipeline.catchup.providers import log_of

    now = clock()
    outside = Outside(
        folder=config.folder,
        state=config.state_folder,
        environment=config.environment,
        clock=clock,
    )
    async with log_of(config, source, account, outside) as log:
        async with opened(config) as store:
            start = read_moment(since, now=now, option="--since")
            start = start or await missing.since(store, source.name, now)
            missed = await missing.missed(log, store, source, start)
        if not do or not missed:
            _show(missed, start, as_json=as_json)
            return ExitCode.DONE
        failed = await _act(config, source, log, missed, do, as_json=as_json)
    if not failed and do == "fetch":
        async with opened(config) as store:
            await missing.remember(store, source.name, now)
    return ExitCode.NO if failed else ExitCode.DONE


def _show(missed: "list[Entry]", start: int, *, as_json: bool) -> None:
    from hookagent.cli.showing import local_time
    from hookagent.pipeline.catchup.missing import entry_document

    if as_json:
        for entry in missed:
            output.json_line(entry_document(entry))
        return
    if not missed:
        output.talk(f"nothing was missed since {local_time(start)}")
        return
    output.talk(f"{len(missed)} missed since {local_time(start)}:")
    rows = [(local_time(one.at), one.type, one.id, one.status) for one in missed]
    output.table(("sent", "type", "id", "delivery"), rows)
    output.talk("bring them in with --fetch, or have them sent again with --redeliver")


async def _act(
    config: "Config", source: "Source", log: "Log", missed: "list[Entry]", do: str, *, as_json: bool
) -> int:
    """Fetch or ask for each; return how many failed."""
    if do == "redeliver":
        if not log.can_redeliver and missed:
            await log.redeliver(missed[0])  # says why not
        for entry in missed:
            await log.redeliver(entry)
            _say(entry, "asked for", as_json=as_json)
        return 0
    from hookagent.pipeline.catchup.door import door

    failed = 0
    async with door(config, source, clock) as front:
        for entry in missed:
            taken = await front.take(await log.request(entry))
            failed += taken.word == "refused"
            _say(entry, taken.word, as_json=as_json)
    return failed


def _say(entry: "Entry", word: str, *, as_json: bool) -> None:
    if as_json:
        told: dict[str, Any] = {"id": entry.id, "type": entry.type, "outcome": word}
        output.json_line(told)
        return
    colour = "red" if word == "refused" else "green"
    output.data(
        output.Ink(word, colour), f"  {output.safe_line(entry.type)}  {output.safe_line(entry.id)}"
    )
