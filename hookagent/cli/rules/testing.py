"""`hookagent rules test`: the rules' own cases; which rules events match; a backtest."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hookagent.cli import output, settings, targets
from hookagent.cli.clock import clock
from hookagent.cli.options import ConfigOption, JsonOption, LimitOption, StoreOption
from hookagent.cli.output import Ink
from hookagent.cli.rules.book import Book, RulesOption, read_book
from hookagent.cli.rules.events import SourceOption, TypeOption, event_of, read_events
from hookagent.errors import ExitCode, NotFound, UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.event import Event
    from hookagent.rules.backtest import Report
    from hookagent.rules.model import Case, Rule
    from hookagent.rules.testing import CaseResult, Load


def examine(
    events: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EVENT…]", help="Event files, payloads, stored ids, `-`."),
    ] = None,
    *,
    config: ConfigOption = None,
    store: StoreOption = None,
    rules: RulesOption = None,
    source: SourceOption = "",
    type_: TypeOption = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Play the events stored since: 2h, 7d, a date.")
    ] = "",
    limit: LimitOption = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the cases as JUnit XML.")
    ] = None,
    would: Annotated[
        bool, typer.Option("--would", help="Say what the actions would do as well.")
    ] = False,
    json: JsonOption = False,
) -> ExitCode:
    """Run the rules' own test cases, match events, or play stored events to the rules.

    Without EVENT and `--since`: the cases; exits with 1 where one fails. With EVENT: the rules each
    one matches, in order; exits with 1 where none does. With `--since`: a backtest.

    Example: hookagent rules test

    Example: hookagent rules test event.json --rules rules --json

    Example: hookagent rules test --since 7d
    """
    if events and since:
        raise UsageError("give either events or `--since`")
    loaded = settings.load_config(config, store=store)
    book = read_book(loaded, rules)
    if events:
        found = asyncio.run(read_events(loaded, events, source=source, type_=type_))
        return _match(loaded, book, found, would=would, as_json=json)
    if since:
        return _backtest(loaded, book, (source, type_, since, limit), would=would, as_json=json)
    return _run_cases(loaded, book, junit, as_json=json)


def _match(
    config: "Config",
    book: Book,
    events: "list[tuple[str, Event]]",
    *,
    would: bool,
    as_json: bool,
) -> ExitCode:
    from hookagent.cli.rules.acting import would_of

    act = would_of(config.environment)
    has_match = False
    for name, event in events:
        matched = book.select(event)
        has_match = has_match or bool(matched)
        told = {rule.name: act(rule, event, {}) for rule in matched} if would else {}
        if as_json:
            line: dict[str, Any] = {"event": name, "matched": [rule.name for rule in matched]}
            output.json_line(line | ({"would": told} if would else {}))
            continue
        output.data(output.safe_line(name), "  ", ", ".join(it.name for it in matched) or "no rule")
        for rule, steps in told.items():
            for step, what in steps.items():
                shown = output.safe_line(msgspec.json.encode(what).decode(), most=SHOWN_MAX)
                output.data(f"  {rule}.{step}: ", Ink(shown, "dim"))
    return ExitCode.DONE if has_match else ExitCode.NO


SHOWN_MAX = 600


def _run_cases(config: "Config", book: Book, junit: Path | None, *, as_json: bool) -> ExitCode:
    from hookagent.cli.rules.acting import would_of
    from hookagent.rules.testing import run_tests

    results = run_tests(book.ruleset, _loader(config), would_of(config.environment))
    for result in results:
        if as_json:
            output.json_line(msgspec.to_builtins(result))
        else:
            _show_case(result)
    if junit is not None:
        from hookagent.rules.junit import junit_xml

        junit.write_text(junit_xml(results), "utf-8")
    failed = sum(not result.passed for result in results)
    if not as_json:
        output.data(f"{len(results)} cases of {len(book.ruleset.rules)} rules, {failed} failed")
    return ExitCode.NO if failed else ExitCode.DONE


def _loader(config: "Config") -> "Load":
    """Return how to read the event a case names: a file beside the rule's, or a stored event."""

    def load(rule: "Rule", case: "Case") -> "Event":
        if targets.is_stored(case.event):
            found = asyncio.run(read_events(config, [case.event], source=case.source))
            return found[0][1]
        beside = Path(rule.file).parent / case.event
        path = beside if beside.exists() else config.folder / case.event
        captured = targets.read_file(str(path))
        if not captured:
            raise NotFound(f"there is no event in `{case.event}`")
        source = case.source or (rule.on[0].source if rule.on else "")
        return event_of(captured[0], config, source=source, type_=case.type)

    return load


def _show_case(result: "CaseResult") -> None:
    from hookagent.cli.rules.tree import lines

    name = result.about or f"line {result.line}"
    colour = "green" if result.passed else "red"
    output.data(Ink(output.mark(good=result.passed), colour), f" {result.rule}: {name}")
    for problem in result.problems:
        output.data(f"    {result.file}:{result.line}: ", output.safe_line(problem))
    if result.explanation is not None:
        for line in lines(result.explanation):
            output.data("    ", *line)


def _backtest(
    config: "Config",
    book: Book,
    wanted: tuple[str, str, str, int | None],
    *,
    would: bool,
    as_json: bool,
) -> ExitCode:
    from hookagent.cli.rules.acting import would_of
    from hookagent.cli.rules.diff import collect
    from hookagent.cli.selecting import event_filter
    from hookagent.rules.backtest import backtest

    source, type_, since, limit = wanted
    chosen = event_filter(now=clock(), source=source, type=type_, since=since, limit=limit)
    events = asyncio.run(collect(config, chosen))
    act = would_of(config.environment) if would or as_json else None
    played = output.Progress("events matched", len(events)).over(events)
    report = backtest(book.ruleset, played, match=book.select, would=act)
    if as_json:
        output.json_line(msgspec.to_builtins(report))
    else:
        _show_report(report, would=would)
    return ExitCode.DONE


def _show_report(report: "Report", *, would: bool) -> None:
    from hookagent.eventfile import format_time

    rows = [
        (it.rule, str(it.matched), str(it.fired), format_time(it.acts[-1].at) if it.acts else "")
        for it in report.rules
    ]
    output.table(("rule", "matched", "fired", "last"), rows)
    output.talk(f"{report.events} events, {report.unmatched} that no rule asks for")
    if not would:
        return
    for it in report.rules:
        for act in it.acts:
            shown = output.safe_line(msgspec.json.encode(act.would).decode(), most=SHOWN_MAX)
            output.data(f"{it.rule}  {act.event}  ", Ink(shown, "dim"))
