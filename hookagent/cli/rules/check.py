"""`hookagent rules check`: every problem of the rules with its place, and what is hardly meant."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookagent.cli import output, settings
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.cli.rules.book import RulesOption, read_book
from hookagent.errors import ConfigError, ExitCode, OutsideError, Problem

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.rules.observed import Observed

SAMPLE = 500
"""Stored events that are looked at for the fields they have."""


def check(
    config: ConfigOption = None,
    store: StoreOption = None,
    rules: RulesOption = None,
    *,
    history: Annotated[
        bool, typer.Option(help="Compare with the events in the store, where there is one.")
    ] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings.")] = False,
    json: JsonOption = False,
) -> ExitCode:
    """Validate every rule file and warn of what is valid but hardly meant.

    Exits with 3 where a file is wrong. The codes are in docs/rules.md.

    Example: hookagent rules check
    """
    from hookagent.rules.lint import Known, lint

    loaded = settings.load_config(config, store=store)
    try:
        book = read_book(loaded, rules, environment=loaded.environment)
    except ConfigError as error:
        if not json:
            raise
        _say(error.problems, as_json=True)
        return ExitCode.CONFIG
    integrity = {name: source.scheme.integrity for name, source in loaded.sources.items()}
    known = Known(
        sources=integrity if loaded.file is not None else None,
        observed=_observed(loaded) if history else {},
    )
    found = [*book.ruleset.warnings, *lint(book.ruleset, known)]
    _say(found, as_json=json)
    if not json:
        output.data(_summary(len(book.ruleset.rules), len(book.files), len(found)))
    return ExitCode.NO if strict and found else ExitCode.DONE


def _say(problems: Any, *, as_json: bool) -> None:
    if not as_json:
        output.problems(problems)
        return
    for problem in problems:
        output.json_line(described(problem))


def described(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON."""
    return {
        "code": problem.code,
        "severity": str(problem.severity),
        "message": problem.message,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "hint": problem.hint,
    }


def _summary(rules: int, files: int, warnings: int) -> str:
    said = f"{_counted(rules, 'rule')} in {_counted(files, 'file')}: valid"
    return f"{said}, {_counted(warnings, 'warning')}" if warnings else said


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _observed(config: "Config") -> "Observed":
    """Return the shapes of the latest stored events; none where there is no store yet."""
    url = config.store.url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return {}
    try:
        return asyncio.run(_observe(config))
    except OutsideError as error:
        output.warn(f"the store was not looked at: {error.message}", hint=error.hint)
        return {}


async def _observe(config: "Config") -> "Observed":
    from hookagent.cli.storing import opened
    from hookagent.pipeline.history import history
    from hookagent.rules.observed import observe
    from hookagent.store.base import EventFilter

    async with opened(config) as store:
        events = [it async for it in history(store, config.sources, EventFilter(limit=SAMPLE))]
    return observe(events)
