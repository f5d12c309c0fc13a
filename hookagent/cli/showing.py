"""How events, runs and refusals look, as rows, in full, and as JSON."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hookagent.cli import output
from hookagent.cli.live import duration
from hookagent.cli.masking import masked
from hookagent.eventfile import Captured, format_time, to_object

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.store.base import EventRecord, EventSummary, Rejected, Run

BODY_SHOWN_MAX = 16_384
COLUMNS = ("time", "source", "type", "event", "runs", "")


def local_time(milliseconds: int) -> str:
    """Write a moment as the reader's clock shows it."""
    return f"{datetime.fromtimestamp(milliseconds / 1000).astimezone():%m-%d %H:%M:%S}"


def event_row(summary: "EventSummary") -> dict[str, Any]:
    """Return one list entry as JSON."""
    row: dict[str, Any] = msgspec.to_builtins(summary)
    row["received_at"] = format_time(summary.received_at)
    return row


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


def event_document(record: "EventRecord", config: "Config") -> dict[str, Any]:
    """Return one event in full: the event file's keys, its verdict, duplicates and runs."""
    event = record.event
    captured = Captured(request=event.request, id=event.id, source=event.source, type=event.type)
    verdict = event.verdict
    return {
        **to_object(masked(captured, config)),
        "verdict": {
            "valid": verdict.valid,
            "scheme": verdict.scheme,
            "reason": str(verdict.code),
            "integrity": str(verdict.integrity),
            "secret_index": verdict.secret_index,
            "detail": verdict.detail,
        },
        "origin": str(event.origin),
        "parent": event.parent or None,
        "client_ip": event.request.client_ip or None,
        "state": str(record.summary.state),
        "duplicates": record.summary.duplicates,
        "replays": record.replays,
        "runs": [run_document(run) for run in record.runs],
    }


def run_document(run: "Run") -> dict[str, Any]:
    """Return one run with its steps and attempts."""
    return {
        "id": run.id,
        "event": run.event_id,
        "rule": run.rule,
        "state": str(run.state),
        "created_at": format_time(run.created_at),
        "due_at": format_time(run.due_at) if run.due_at else None,
        "ended_at": format_time(run.ended_at) if run.ended_at else None,
        "reason": run.reason or None,
        "steps": [
            {
                "name": step.name,
                "action": step.action,
                "state": str(step.state),
                "attempts": [
                    {
                        "started_at": format_time(attempt.started_at),
                        "ms": attempt.ms,
                        "outcome": attempt.outcome,
                        "error": attempt.error or None,
                    }
                    for attempt in step.attempts
                ],
                "output": step.output,
            }
            for step in run.steps
        ],
    }


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


def rejection_row(one: "Rejected") -> dict[str, Any]:
    """Return one refused delivery as JSON, without its headers."""
    return {
        "id": one.id,
        "source": one.source,
        "received_at": format_time(one.request.received_at),
        "status": one.status,
        "error": one.error,
        "detail": one.verdict.detail if one.verdict else None,
        "client_ip": one.request.client_ip or None,
        "size": len(one.request.body),
    }


def rejection_document(captured: Captured, one: "Rejected") -> dict[str, Any]:
    """Return one refused delivery in full."""
    from hookagent.redact import Redactor

    redactor = Redactor(())
    shown = to_object(captured)
    shown["headers"] = [[name, redactor.field(name, value)] for name, value in shown["headers"]]
    verdict = msgspec.to_builtins(one.verdict) if one.verdict else {}
    return {
        **shown,
        "id": one.id,
        "verdict": {
            "reason": verdict.get("code", one.error),
            "integrity": verdict.get("integrity", "none"),
            "scheme": verdict.get("scheme", ""),
            "detail": verdict.get("detail") or one.error,
        },
        "status": one.status,
    }


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
