"""`hookagent doctor`: everything that could be in the way, and how to mend it."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.checks.finding import Finding, State
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.cli.output import Ink
from hookagent.errors import ConfigError, ExitCode

if TYPE_CHECKING:
    from hookagent.config.model import Config

COLOURS = {State.OK: "green", State.WARNING: "yellow", State.FAIL: "red"}


def doctor(
    config: ConfigOption = None,
    store: StoreOption = None,
    *,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Save what can be read of a damaged store.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where --salvage writes the new store.")
    ] = None,
    json: JsonOption = False,
) -> ExitCode:
    """Check configuration, secrets, ports, tunnel, clock and store; say how to mend each.

    Example: hookagent doctor --json
    """
    if salvage:
        from hookagent.cli.salvaging import salvage_store

        return salvage_store(settings.load_config(config, store=store), to)
    findings = list(_examine(config, store))
    for finding in findings:
        if json:
            output.json_line(as_json(finding))
        else:
            _say(finding)
    worst = sum(finding.state is State.FAIL for finding in findings)
    if worst and not json:
        output.talk(f"{worst} of {len(findings)} checks failed")
    return ExitCode.NO if worst else ExitCode.DONE


def as_json(finding: Finding) -> dict[str, str | None]:
    """Return a finding as one line of `--json`."""
    return {
        "check": finding.check,
        "state": str(finding.state),
        "message": finding.message,
        "hint": finding.hint,
    }


def _say(finding: Finding) -> None:
    sign = "!" if finding.state is State.WARNING else output.mark(good=finding.state is State.OK)
    word = "" if finding.state is State.OK else f"{finding.state}: "
    output.data(Ink(sign, COLOURS[finding.state]), f" {finding.check}: {word}{finding.message}")
    if finding.hint and finding.state is not State.OK:
        output.data(Ink(f"  {finding.hint}", "cyan"))


def _examine(file: Path | None, store: str | None) -> Iterator[Finding]:
    from hookagent.cli.checks import machine, project

    now = time.time_ns() // 1_000_000
    yield from machine.python()
    yield from machine.aiohttp()
    yield from machine.re2()
    yield from machine.keyring()
    yield from machine.open_files()
    try:
        config = settings.load_config(file, store=store, say_warnings=False)
    except ConfigError as error:
        yield from machine.clock(now)
        yield from project.of_problems("config", error.problems)
        return
    yield from _project(config)
    yield from asyncio.run(_outside(config, now))


def _project(config: "Config") -> Iterator[Finding]:
    from hookagent.cli.checks import project

    yield from project.configuration(config)
    yield from project.sources(config)
    yield from project.rules(config)
    yield from project.modes(config)
    yield from project.limits(config)
    yield from project.undecided(config)


async def _outside(config: "Config", now: int) -> Iterable[Finding]:
    from hookagent.cli.checks import machine, outside

    found = [finding async for finding in outside.store(config, now)]
    if not any(finding.check == "clock" for finding in found):
        found += machine.clock(now)
    found += outside.disk(config)
    found += outside.ports(config, served=outside.is_served(config))
    found += [finding async for finding in outside.tunnel(config)]
    found += outside.ngrok_inspector()
    return found
