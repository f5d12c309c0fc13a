"""How events, runs and refusals look to a person, as rows and in full."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hookagent.cli import output
from hookagent.cli.live import duration

if TYPE_CHECKING:
    from hookagent.store.base import EventSummary, Rejected

BODY_SHOWN_MAX = 16_384
COLUMNS = ("time", "source", "type", "event", "runs", "")


def local_time(milliseconds: int) -> str:
    """Write a moment as the reader's clock shows it."""
    return f"{datetime.fromtimestamp(milliseconds / 1000).astimezone():%m-%d %H:%M:%S}"


def write_rows(found: "Sequence[EventSummary]", *, heading: bool = True) -> None:
    """Write events as a table."""
    rows = [
        (
            local_time(one.received_at),
            one.source,
            one.type or "-",
            one.id,
            _runs(one.runs) or ("no rule" if one.state == "routed" else "waiting"),
            _notes(one),
        )
        for one in found
    ]
    if rows or heading:
        output.table(COLUMNS, rows)


def _runs(runs: dict[str, int]) -> str:
    return " ".join(f"{count} {state}" for state, count in sorted(runs.items()))


def _notes(one: "EventSummary") -> str:
    notes = [f"{one.duplicates} duplicates"] if one.duplicates else []
    if one.origin != "live":
        notes.append(f"{one.origin} of {one.parent}" if one.parent else one.origin)
    if one.integrity == "none":
        notes.append("UNVERIFIED")
    return ", ".join(notes)


def write_event(document: dict[str, Any]) -> None:
    """Write one event in full for a person."""
    verdict = document.get("verdict") or {}
    output.data(
        output.Ink(document["id"], "bold"),
        f"  {document.get('source', '')}",
        f"  {document.get('type', '')}",
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
            output.data(output.Ink(f"  {label:<11}", "dim"), output.safe_line(str(value)))
    output.data(output.Ink("  headers", "dim"))
    for name, value in document["headers"]:
        output.data(f"    {output.safe_line(name)}: {output.safe_line(value)}")
    output.data(output.Ink("  body", "dim"))
    _write_body(document)
    for run in document.get("runs", ()):
        _write_run(run)


def _write_body(document: dict[str, Any]) -> None:
    """Write the body, indented where it is JSON."""
    text = document.get("body")
    if text is None:
        output.data(f"    {len(document.get('body_b64', ''))} characters of base64: not text")
        return
    with suppress(msgspec.DecodeError, UnicodeEncodeError, RecursionError):  # else as it came
        text = msgspec.json.format(text.encode(), indent=2).decode()
    for line in text[:BODY_SHOWN_MAX].split("\n"):
        output.data(f"    {line}")
    if len(text) > BODY_SHOWN_MAX:
        output.data(f"    … {len(text) - BODY_SHOWN_MAX} characters more: --export json has them")


_STATE_COLOURS = {"done": "green", "dead": "red", "waiting": "yellow"}


def _write_run(run: dict[str, Any]) -> None:
    colour = _STATE_COLOURS.get(run["state"], "cyan")
    output.data(
        output.Ink("  run ", "dim"),
        f"{run['rule']}  ",
        output.Ink(run["state"], colour),
        f"  {run['id']}",
    )
    if run["reason"]:
        output.data(f"    because {output.safe_line(run['reason'])}")
    if run["due_at"] and run["state"] == "waiting":
        output.data(f"    next try at {run['due_at']}")
    for step in run["steps"]:
        output.data(f"    {step['name']}  {step['action']}  {step['state']}")
        for attempt in step["attempts"]:
            error = f": {output.safe_line(attempt['error'])}" if attempt["error"] else ""
            took = f"{attempt['started_at']}  {duration(attempt['ms'])}"
            output.data(f"      {took}  {attempt['outcome']}{error}")
        if step["output"] is not None:
            shown = msgspec.json.encode(step["output"]).decode()
            output.data(f"      output {output.safe_line(shown, most=600)}")


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
    output.table(("time", "status", "source", "delivery", "why", ""), rows)
    if not found:
        output.talk("nothing was refused")
