"""Events, runs and refusals as JSON: the forms that commands and the inspector share.

Fields are only ever added. Headers come out masked, as in an export.
"""

from typing import TYPE_CHECKING, Any

import msgspec

from hookagent.eventfile import Captured, format_time, to_object
from hookagent.pipeline.masking import masked
from hookagent.pipeline.refusals import reason_of

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.store.base import EventRecord, EventSummary, Rejected, Run


def event_row(summary: "EventSummary") -> dict[str, Any]:
    """Return one list entry as JSON."""
    row: dict[str, Any] = msgspec.to_builtins(summary)
    row["received_at"] = format_time(summary.received_at)
    return row


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
                "forgiven": step.forgiven,
                "output": step.output,
            }
            for step in run.steps
        ],
    }


def rejection_row(one: "Rejected") -> dict[str, Any]:
    """Return one refused delivery as JSON, without its headers."""
    return {
        "id": one.id,
        "source": one.source,
        "received_at": format_time(one.request.received_at),
        "status": one.status,
        "reason": reason_of(one),
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
