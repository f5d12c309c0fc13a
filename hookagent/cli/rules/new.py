"""`hookagent rules new`: a commented rule with a test, from an event that came."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from hookagent.cli import output, settings
from hookagent.cli.options import ConfigOption, StoreOption
from hookagent.cli.rules.events import SourceOption, TypeOption, read_events
from hookagent.cli.rules.importing import OutOption, write_text
from hookagent.errors import ExitCode, NotFound, UsageError, did_you_mean

if TYPE_CHECKING:
    from hookagent.event import Event

ASKED_MAX = 20
"""Fields that are offered on a terminal."""


def new(
    from_: Annotated[
        str,
        typer.Option("--from", metavar="EVENT", help="An event file, a payload, a stored id, `-`."),
    ],
    *,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="PATH", help="A field that matters; may be repeated."),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="The rule's name.")] = "",
    about: Annotated[str, typer.Option(metavar="TEXT", help="One sentence for people.")] = "",
    config: ConfigOption = None,
    store: StoreOption = None,
    source: SourceOption = "",
    type_: TypeOption = "",
    out: OutOption = None,
) -> ExitCode:
    """Write a rule that fires for events which agree with this one in the fields that matter.

    Asks which fields those are when there is a terminal and no `--field`.

    Example: hookagent rules new --from evt_018c… --field action --field pull_request.base.ref
    """
    from hookagent.lookup import PathError
    from hookagent.rules.shown import paths
    from hookagent.rules.write import rule_from_event, rule_name

    loaded = settings.load_config(config, store=store)
    events = asyncio.run(read_events(loaded, [from_], source=source, type_=type_))
    if not events:
        raise NotFound(f"there is no event in `{from_}`")
    event = events[0][1]
    fields = list(field or ()) or _asked(event)
    chosen = rule_name(name or "-".join(filter(None, (event.source, event.type))) or "new-rule")
    for path in fields:
        _check_field(path, event)
    try:
        text = rule_from_event(event, fields, name=chosen, about=about)
    except PathError as error:
        raise UsageError(str(error), hint=did_you_mean(fields[-1], paths(event.payload))) from None
    write_text(text, out)
    return ExitCode.DONE


def _check_field(path: str, event: "Event") -> None:
    from hookagent.lookup import PathError
    from hookagent.rules.scope import Scope, read_reference
    from hookagent.rules.shown import paths

    try:
        reference = read_reference(path)
    except PathError as error:
        raise UsageError(f"`{path}` is not a path: {error}") from None
    if not Scope(event).values(reference):
        known = [
            *paths(event.payload),
            *(f"@headers.{it.lower()}" for it, _ in event.request.headers.items()),
        ]
        raise NotFound(f"the event has no `{path}`", hint=did_you_mean(path, known))


def _asked(event: "Event") -> list[str]:
    """Ask which fields matter; without a terminal, none do and the rule takes the whole kind."""
    from hookagent.rules.shown import paths

    plain = {
        path: value
        for path, value in paths(event.payload).items()
        if isinstance(value, str | int | float)
    }
    if not plain or not output.can_ask():
        return []
    names = list(plain)[:ASKED_MAX]
    for number, path in enumerate(names, start=1):
        output.talk(f"{number:3}  {path} = ", output.safe_line(repr(plain[path]), most=60))
    answer = typer.prompt("Which fields matter? Numbers or paths", default="", err=True)
    return [_choice(word, names) for word in answer.replace(",", " ").split()]


def _choice(word: str, names: list[str]) -> str:
    if word.isdigit() and 1 <= int(word) <= len(names):
        return names[int(word) - 1]
    return word
