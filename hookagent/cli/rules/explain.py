"""`hookagent rules explain`: why a rule does or does not fire for an event."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hookagent.cli import output, settings
from hookagent.cli.options import ConfigOption, JsonOption, StoreOption
from hookagent.cli.rules.book import RulesOption, complete_rule, read_book
from hookagent.cli.rules.events import SourceOption, TypeOption, read_events
from hookagent.errors import ExitCode, UsageError


def explain(
    first: Annotated[
        str,
        typer.Argument(
            metavar="RULE|EVENT",
            help="A rule; or the event, for all rules.",
            autocompletion=complete_rule,
        ),
    ],
    second: Annotated[
        str, typer.Argument(metavar="[EVENT]", help="An event file, a payload, a stored id, `-`.")
    ] = "",
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    rules: RulesOption = None,
    source: SourceOption = "",
    type_: TypeOption = "",
    most: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="At most so many rules.")
    ] = 10,
    json: JsonOption = False,
) -> ExitCode:
    """Say of each condition what it wanted, what it got, and whether that was enough.

    Without RULE: all rules, those that match first, then the nearest misses. Exits with 1 where
    nothing matches.

    Example: hookagent rules explain urgent-ticket evt_018c…

    Example: hookagent rules explain event.json
    """
    from hookagent.rules.explain import explain as explain_rule
    from hookagent.rules.explain import nearest_first

    loaded = settings.load_config(config, store=store)
    book = read_book(loaded, rules)
    if not second and book.ruleset.rule(first) and not Path(first).exists():
        raise UsageError(
            f"`{first}` is a rule: which event is it to be asked about?",
            hint=f"hookagent rules explain {first} EVENT; hookagent inspect lists events",
        )
    wanted = [book.rule(first)] if second else [it for it in book.ruleset.rules if it.enabled]
    events = asyncio.run(read_events(loaded, [second or first], source=source, type_=type_))
    has_match = False
    for name, event in events:
        explained = nearest_first([explain_rule(rule, event) for rule in wanted])[:most]
        has_match = has_match or any(it.matches for it in explained)
        if len(events) > 1 and not json:
            output.data(f"{name}:")
        for one in explained:
            if json:
                output.json_line({"event": name, **msgspec.to_builtins(one)})
            else:
                _show(one)
    return ExitCode.DONE if has_match else ExitCode.NO


def _show(explained: object) -> None:
    from hookagent.cli.rules.tree import lines
    from hookagent.rules.explain import Explanation

    assert isinstance(explained, Explanation)
    for line in lines(explained):
        output.data(*line)
