"""How events, runs and refusals look to a person, as rows and in full."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hookagent.cli import output
from hookagent.cli.clock import clock
from hookagent.cli.live import Line, duration
from hookagent.errors import ExitCode

if TYPE_CHECKING:
    from hookagent.store.base import EventSummary, Rejected

BODY_SHOWN_MAX = 16_384
COLUMNS = ("time", "source", "type", "event", "runs", "")


def local_time(milliseconds: int) -> str:
    """Write a moment as the reader's clock shows it."""
    return f"{datetime.fromtimestamp(milliseconds / 1000).astimezone():%m-%d %H:%M:%S}"


def write_rows(found: "Sequence[EventSummary]", *, heading: bool = True) -> None:
    """Write events as a table."""
    rows = [row_of(one) for one in found]
    if output.is_terminal() and all(local_time(one.received_at)[:5] == _today() for one in found):
        rows = [(row[0][6:], *row[1:]) for row in rows]
    if rows or heading:
        output.table(COLUMNS, rows, shrink=("type", "source", ""), narrow=_two_lines)


def _today() -> str:
    return local_time(clock())[:5]


def _two_lines(row: Sequence[str]) -> Iterator[Line]:
    """Yield a row for a narrow terminal, as `serve` writes it there."""
    time, source, kind, event, runs, notes = row
    yield (output.Ink(time, "dim"), f"  {source}  {kind}")
    yield (f"  {event}  {runs}" + (f"  {notes}" if notes else ""),)


def row_of(one: "EventSummary") -> tuple[str, ...]:
    """Return an event as the cells of a list."""
    return (
        local_time(one.received_at),
        one.source,
        one.type or "-",
        one.id,
        _runs(one.runs) or ("no rule" if one.state == "routed" else "waiting"),
        _notes(one),
    )


def _runs(runs: dict[str, int]) -> str:
    return " ".join(f"{count} {state}" for state, count in sorted(runs.items()))


def _notes(one: "EventSummary") -> str:
    plural = "s" if one.duplicates > 1 else ""
    notes = [f"{one.duplicates} duplicate{plural}"] if one.duplicates else []
    if one.origin != "live":
        notes.append(f"{one.origin} of {one.parent}" if one.parent else one.origin)
    if one.integrity != "body-signed":
        notes.append("UNVERIFIED" if one.integrity == "none" else one.integrity)
    return ", ".join(notes)


def write_event(document: dict[str, Any]) -> None:
    """Write one event in full for a person."""
    for line in event_lines(document):
        output.data(*line)


def event_lines(document: dict[str, Any]) -> Iterator[Line]:
    """Yield one event in full: what it is, its headers and body, its runs."""
    yield from head_lines(document)
    yield (output.Ink("  headers", "dim"),)
    for name, value in document["headers"]:
        yield (f"    {output.safe_line(name)}: {output.safe_line(value)}",)
    yield (output.Ink("  body", "dim"),)
    yield from body_lines(document)
    yield from run_lines(document)


def head_lines(document: dict[str, Any]) -> Iterator[Line]:
    """Yield what an event is: its id, verdict and kin."""
    verdict = document.get("verdict") or {}
    yield (
        output.Ink(output.safe_line(document["id"]), "bold"),
        f"  {output.safe_line(document.get('source', ''))}",
        f"  {output.safe_line(document.get('type', ''))}",
    )
    for label, value in (
        ("received", document.get("received_at")),
        ("request", f"{document.get('method')} {document.get('url')}"),
        ("from", document.get("client_ip")),
        (
            "verdict",
            f"{verdict.get('reason')} ({verdict.get('integrity')}, {verdict.get('scheme')})",
        ),
        ("because", verdict.get("detail")),
        ("origin", document.get("origin") if document.get("origin") != "live" else None),
        ("parent", document.get("parent")),
        ("duplicates", document.get("duplicates") or None),
        ("replays", ", ".join(document.get("replays") or []) or None),
    ):
        if value:
            yield (output.Ink(f"  {label:<11}", "dim"), output.safe_line(str(value)))


def body_lines(document: dict[str, Any]) -> Iterator[Line]:
    """Yield the body, indented where it is JSON."""
    text = document.get("body")
    if text is None:
        yield (f"    {len(document.get('body_b64', ''))} characters of base64: not text",)
        return
    with suppress(msgspec.DecodeError, UnicodeEncodeError, RecursionError):  # else as it came
        text = msgspec.json.format(text.encode(), indent=2).decode()
    for line in text[:BODY_SHOWN_MAX].split("\n"):
        yield (f"    {line}",)
    if len(text) > BODY_SHOWN_MAX:
        yield (f"    … {len(text) - BODY_SHOWN_MAX} characters more: --export json has them",)


_STATE_COLOURS = {"done": "green", "dead": "red", "waiting": "yellow"}


def run_lines(document: dict[str, Any]) -> Iterator[Line]:
    """Yield an event's runs with their steps and attempts."""
    for run in document.get("runs", ()):
        yield from _run(run)


def _run(run: dict[str, Any]) -> Iterator[Line]:
    colour = _STATE_COLOURS.get(run["state"], "cyan")
    yield (
        output.Ink("  run ", "dim"),
        f"{run['rule']}  ",
        output.Ink(run["state"], colour),
        f"  {run['id']}",
    )
    if run["reason"]:
        yield (f"    because {output.safe_line(run['reason'])}",)
    if run["due_at"] and run["state"] == "waiting":
        yield (f"    next try at {run['due_at']}",)
    for step in run["steps"]:
        yield (f"    {step['name']}  {step['action']}  {step['state']}",)
        for place, attempt in enumerate(step["attempts"]):
            if place and place == step["forgiven"]:
                yield (output.Ink("      tried again by hand", "dim"),)
            error = f": {output.safe_line(attempt['error'])}" if attempt["error"] else ""
            took = f"{attempt['started_at']}  {duration(attempt['ms'])}"
            yield (f"      {took}  {attempt['outcome']}{error}",)
        if step["output"] is not None:
            shown = msgspec.json.encode(step["output"]).decode()
            yield (f"      output {output.safe_line(shown, most=600)}",)


def write_rejections(found: "Sequence[Rejected]") -> None:
    """Write refused deliveries as a table."""
    rows = [
        (
            local_time(one.request.received_at),
            str(one.status),
            one.source,
            one.id,
            one.error,
            one.verdict.detail if one.verdict else "",
        )
        for one in found
    ]
    columns = ("time", "status", "source", "delivery", "why", "")
    if rows:
        output.table(columns, rows, shrink=("",), narrow=_refused_lines)


def _refused_lines(row: Sequence[str]) -> Iterator[Line]:
    time, status, source, delivery, why, detail = row
    yield (output.Ink(time, "dim"), "  ", output.Ink(status, "red"), f"  {source}  {why}")
    yield (f"  {delivery}  {detail}",)


def write_differences(
    found: "Sequence[tuple[str, str, str]]", *, every: bool = False, as_json: bool = False
) -> ExitCode:
    """Write where two deliveries differ; without `every`, count what differs every time."""
    from hookagent.pipeline.comparing import is_volatile

    shown = [one for one in found if every or not is_volatile(*one)]
    if as_json:
        for place, before, after in shown:
            output.json_line({"path": place, "before": before, "after": after})
    for line in () if as_json else difference_lines(shown):
        output.data(*line)
    aside = len(found) - len(shown)
    if not shown:
        output.talk("they carry the same")
    if aside:
        output.talk(f"set aside: {aside} that differ every time; `diff A B --all` shows them")
    return ExitCode.NO if shown else ExitCode.DONE


def difference_lines(found: "Sequence[tuple[str, str, str]]") -> Iterator[Line]:
    """Yield a line for each (path, before, after)."""
    for place, before, after in found:
        yield (
            f"{output.safe_line(place)}: ",
            output.Ink(output.safe_line(before), "red"),
            " → ",
            output.Ink(output.safe_line(after), "green"),
        )
