"""`hookagent retry`: run dead runs again. The same run goes on; rules are not asked anew."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.errors import ExitCode, NotFound, UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.store.base import Store


def retry(
    run: Annotated[
        list[str] | None, typer.Argument(metavar="[ID…]", help="Runs, or events for all of theirs.")
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    rule: Annotated[str, typer.Option(metavar="NAME", help="Every dead run of this rule.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every dead run.")] = False,
    json: JsonOption = False,
) -> ExitCode:
    """Make dead runs pending again, from the step that failed, with fresh attempts.

    Example: hookagent retry run_018c…

    Example: hookagent retry --rule order-stock
    """
    if not (run or rule or every):
        raise UsageError("which runs?", hint="give ids, --rule NAME or --all; hookagent dead lists")
    return asyncio.run(_retry(settings.load_config(config, store=store), run or [], rule, json))


async def _retry(config: "Config", names: list[str], rule: str, as_json: bool) -> ExitCode:
    from hookagent.cli.storing import opened
    from hookagent.pipeline.documents import run_document

    bad = 0
    async with opened(config) as store:
        found = await dead_runs(store, names, rule)
        if not found:
            output.talk("nothing is dead")
        for run_id in found:
            revived = await store.revive(run_id, now=clock())
            if revived is None:
                output.warn(f"run `{run_id}` is not dead, so there is nothing to retry")
                bad += 1
            elif as_json:
                output.json_line(run_document(revived))
            else:
                output.data(f"{run_id}  {revived.rule}  pending again")
    return ExitCode.NO if bad else ExitCode.DONE


async def dead_runs(store: "Store", names: list[str], rule: str) -> list[str]:
    """Return the ids of runs that names and a rule stand for. Raises NotFound."""
    from hookagent.cli.storing import event_or_fail
    from hookagent.job import RunState
    from hookagent.store.base import RunFilter

    if not names:
        wanted = RunFilter(states=(RunState.DEAD,), rule=rule, limit=10_000)
        return [run.id for run in await store.runs(wanted)]
    found = []
    for name in names:
        if name.startswith("evt_"):
            event_id = (await event_or_fail(store, name)).event.id
            wanted = RunFilter(states=(RunState.DEAD,), event_id=event_id, limit=1_000)
            found += [run.id for run in await store.runs(wanted)]
        elif await store.run(name) is None:
            raise NotFound(f"no run `{name}`", hint="hookagent dead lists the dead ones")
        else:
            found.append(name)
    return found
