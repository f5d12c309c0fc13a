"""What is read of events and runs, and how."""

from typing import Any

from hookagent.event import Event
from hookagent.store.base import Rejected, Run
from hookagent.store.postgres.arrays import (
    Bigs,
    Blobs,
    Ints,
    Texts,
    bigs,
    blobs,
    ints,
    readable,
    texts,
)
from hookagent.store.postgres.session import Row
from hookagent.store.rows import event_of, rejected_of, run_of, run_progress

EVENT_COLUMNS = """
    e.id, e.key, e.received_at, e.target, e.client_ip, e.parent, e.signed_at, e.content_key,
    e.detail, e.headers, e.body,
    s.name, k.type, k.origin, k.method, k.base_url, k.valid, k.scheme, k.code, k.integrity,
    k.secret_index
    FROM hook.events AS e JOIN hook.kinds AS k ON k.id = e.kind_id
    JOIN hook.sources AS s ON s.id = k.source_id
"""
"""What `read_event` reads."""

RUN_COLUMNS = """
    r.id, r.event_id, u.name, r.version, r.state, r.step, r.steps, r.created_at, r.due_at,
    r.ended_at, r.owner, r.lease_until, r.reason, r.facts, coalesce(r.order_key, '')
"""
"""What `read_run` reads, of runs `r` and rules `u`."""

RUNS = f"{RUN_COLUMNS} FROM hook.runs AS r JOIN hook.rules AS u ON u.id = r.rule_id"

REJECTED_COLUMNS = """
    id, source, status, error, verdict, method, target, base_url, client_ip, received_at, headers,
    body FROM hook.rejected
"""

PROGRESS_COLUMNS = (
    "state, wake_at, step, due_at, ended_at, owner, lease_until, version, reason, facts, steps"
)
PROGRESS_TYPES = (
    "int[]", "int8[]", "int[]", "int8[]", "int8[]", "text[]", "int8[]", "text[]", "text[]",
    "bytea[]", "bytea[]",
)  # fmt: skip
"""The columns of `run_progress` and their types."""

Column = Texts | Blobs | Ints | Bigs


def read_event(row: Row) -> Event:
    """Read a row of `EVENT_COLUMNS`."""
    return event_of(tuple(map(_plain, row)))


def read_run(row: Row) -> Run:
    """Read a row of `RUN_COLUMNS`."""
    return run_of(tuple(map(_plain, row)))


def read_rejected(row: Row) -> Rejected:
    """Read a row of `REJECTED_COLUMNS`."""
    return rejected_of(tuple(map(_plain, row)))


def progress(runs: list[Run]) -> list[Column]:
    """Return the columns of `PROGRESS_COLUMNS`."""
    rows: list[tuple[Any, ...]] = [run_progress(run) for run in runs]
    columns: list[list[Any]] = [[row[at] for row in rows] for at in range(len(PROGRESS_TYPES))]
    return [_ENCODERS[kind](column) for kind, column in zip(PROGRESS_TYPES, columns, strict=True)]


_ENCODERS: dict[str, Any] = {"int[]": ints, "int8[]": bigs, "text[]": texts, "bytea[]": blobs}


def _plain(value: Any) -> Any:
    return readable(value) if value.__class__ is str else value
