"""`hookagent approve`: say yes or no to what a model proposes."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from hookagent.cli import output, settings
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.errors import ExitCode

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.pipeline.approving import Waiting


def approve(
    run: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN…]", help="Runs whose proposal is good.")
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    no: Annotated[bool, typer.Option("--no", help="Refuse instead; the run ends.")] = False,
    json: JsonOption = False,
) -> ExitCode:
    """List what waits for a person, or decide it.

    Example: hookagent approve

    Example: hookagent approve run_018c…

    Example: hookagent approve run_018c… --no
    """
    loaded = settings.load_config(config, store=store)
    if run:
        return asyncio.run(_decide(loaded, run, is_no=no, as_json=json))
    return asyncio.run(_list(loaded, as_json=json))


async def _list(config: "Config", *, as_json: bool) -> ExitCode:
    from hookagent.cli.storing import opened
    from hookagent.pipeline.approving import waiting, waiting_document

    async with opened(config) as store:
        found = await waiting(store)
    if as_json:
        for one in found:
            output.json_line(waiting_document(one))
        return ExitCode.DONE
    for one in found:
        _write(one)
    if found:
        output.talk("yes: hookagent approve RUN   no: hookagent approve RUN --no")
    else:
        output.talk("nothing waits for approval")
    return ExitCode.DONE


def _write(one: "Waiting") -> None:
    from hookagent.cli.showing import local_time

    said = f"  ({one.said} is said already)" if one.said else ""
    output.data(
        output.Ink(one.run, "bold"),
        f"  {local_time(one.asked_at)}  {output.safe_line(one.rule)}/{output.safe_line(one.step)}",
        f"  {one.event}{said}",
    )
    shown = msgspec.json.format(msgspec.json.encode(one.what), indent=2).decode()
    for line in shown.split("\n"):
        output.data(f"    {output.safe_line(line)}")


async def _decide(config: "Config", runs: list[str], *, is_no: bool, as_json: bool) -> ExitCode:
    from hookagent.cli.storing import opened
    from hookagent.pipeline.approving import decide, waiting_document

    async with opened(config) as store:
        for name in runs:
            one = await decide(store, name, "no" if is_no else "yes")
            if as_json:
                output.json_line(waiting_document(one))
            else:
                output.data(f"{one.run}  {one.rule}  {one.said}")
    return ExitCode.DONE
