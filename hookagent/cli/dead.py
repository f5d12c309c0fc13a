"""`hookagent dead`: runs that ended badly, for a person to look at."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, LimitOption, StoreOption
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config


def dead(
    run: Annotated[
        list[str] | None, typer.Argument(metavar="[ID…]", help="Runs or events to discard.")
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    rule: Annotated[str, typer.Option(metavar="NAME", help="Only of this rule.")] = "",
    discard: Annotated[
        bool, typer.Option("--discard", help="Set them aside for good; nothing is deleted.")
    ] = False,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> ExitCode:
    """List dead runs with their reasons, or discard them.

    Example: hookagent dead

    Example: hookagent dead run_018c… --discard
    """
    loaded = settings.load_config(config, store=store)
    if discard:
        if not (run or rule):
            raise UsageError("which runs?", hint="give ids or --rule NAME")
        return asyncio.run(_discard(loaded, run or [], rule))
    if run:
        raise UsageError("ids go with --discard", hint="hookagent inspect EVENT shows one")
    return asyncio.run(_list(loaded, rule, limit or 50, as_json=json))


async def _list(config: "Config", rule: str, limit: int, *, as_json: bool) -> ExitCode:
    from hookagent.cli.showing import local_time
    from hookagent.cli.storing import opened
    from hookagent.job import RunState
    from hookagent.pipeline.documents import run_document
    from hookagent.store.base import RunFilter

    async with opened(config) as store:
        found = await store.runs(RunFilter(states=(RunState.DEAD,), rule=rule, limit=limit))
    if as_json:
        for run in found:
            output.json_line(run_document(run))
        return ExitCode.DONE
    rows = [(local_time(one.ended_at), one.rule, one.id, one.event_id, one.reason) for one in found]
    output.table(("died", "rule", "run", "event", "because"), rows)
    if not found:
        output.talk("nothing is dead")
    else:
        output.talk("again: hookagent retry RUN   for good: hookagent dead RUN --discard")
    return ExitCode.DONE


async def _discard(config: "Config", names: list[str], rule: str) -> ExitCode:
    from hookagent.cli.retry import dead_runs
    from hookagent.cli.storing import opened

    bad = 0
    async with opened(config) as store:
        for run_id in await dead_runs(store, names, rule):
            gone = await store.discard(run_id, now=clock())
            if gone is None:
                output.warn(f"run `{run_id}` is not dead")
                bad += 1
            else:
                output.data(f"{run_id}  {gone.rule}  discarded")
    return ExitCode.NO if bad else ExitCode.DONE
