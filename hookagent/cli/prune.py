"""`hookagent prune`: apply the retention now."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config

BATCH = 500


def prune(
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    older_than: Annotated[
        str, typer.Option(metavar="TIME", help="30d or a date; the retention when left out.")
    ] = "",
    json: JsonOption = False,
) -> ExitCode:
    """Remove events past their retention whose runs have all ended.

    Example: hookagent prune --older-than 7d
    """
    from hookagent.cli.selecting import read_moment

    loaded = settings.load_config(config, store=store)
    now = clock()
    before = read_moment(older_than, now=now, option="--older-than")
    if not before:
        if loaded.store.retention_ms is None:
            raise UsageError("the store keeps everything", hint="give --older-than 30d")
        before = now - loaded.store.retention_ms
    return asyncio.run(_prune(loaded, before, as_json=json))


async def _prune(config: "Config", before: int, *, as_json: bool) -> ExitCode:
    from hookagent.cli.storing import opened
    from hookagent.pipeline.history import count_until

    events = runs = rejected = 0
    async with opened(config) as store:
        with output.Progress("events removed", await count_until(store, before)) as progress:
            while True:
                done = await store.prune(before=before, limit=BATCH)
                events += done.events
                runs += done.runs
                rejected += done.rejected
                progress.step(done.events)
                if done.events < BATCH:
                    break
        if config.store.statistics_ms is not None:
            await store.drop_stretches(before=clock() - config.store.statistics_ms)
    if as_json:
        output.json_line({"events": events, "runs": runs, "rejected": rejected})
    else:
        output.data(f"removed {events} events, {runs} runs, {rejected} refused deliveries")
    return ExitCode.DONE
