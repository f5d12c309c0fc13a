"""Events, runs and refusals as rows of SQLite."""

from functools import cache
from typing import Any

import msgspec

from hookagent.event import Event
from hookagent.store.base import Rejected
from hookagent.store.rows import REJECTED_BODY_MAX, SAME_AS_KEY
from hookagent.store.sqlite.bulk import places

_encode = msgspec.json.Encoder().encode

EVENT_INSERT = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@cache
def events_insert(rows: int) -> str:
    """Return `EVENT_INSERT` for so many rows."""
    return f"INSERT OR IGNORE INTO events VALUES {places(rows, 15)}"  # noqa: S608 - constants of ours


EVENT_COLUMNS = """
    e.id, e.key, e.received_at, e.target, e.client_ip, e.parent, e.signed_at, e.content_key,
    e.detail, e.headers, e.body,
    s.name, k.type, k.origin, k.method, k.base_url, k.valid, k.scheme, k.code, k.integrity,
    k.secret_index
    FROM events AS e JOIN kinds AS k ON k.id = e.kind_id JOIN sources AS s ON s.id = k.source_id
"""
"""What `event_of` reads, for `SELECT` and a condition around it."""


def event_row(event: Event, seq: int, kind: tuple[int, int], print_: int) -> tuple[Any, ...]:
    """Return the row of `events` for `EVENT_INSERT`; `kind` is the ids of its source and kind."""
    request = event.request
    verdict = event.verdict
    key = event.key
    content: bytes | int | None = verdict.content_key or None
    if content == key:
        content = SAME_AS_KEY
    return (
        seq,
        event.id,
        kind[0],
        key,
        print_,
        kind[1],
        request.received_at,
        request.target,
        request.client_ip,
        event.parent or None,
        verdict.signed_at,
        content,
        verdict.detail or None,
        request.headers.pack(),
        request.body,
    )


RUN_COLUMNS = """
    r.id, coalesce(e.id, ''), u.name, r.version, r.state, r.step, r.steps, r.created_at, r.due_at,
    r.ended_at, r.owner, r.lease_until, r.reason, r.facts, coalesce(r.order_key, '')
    FROM runs AS r LEFT JOIN events AS e ON e.seq = r.event_seq JOIN rules AS u ON u.id = r.rule_id
"""
"""What `run_of` reads."""


PROGRESS_COLUMNS = (
    "state, wake_at, step, due_at, ended_at, owner, lease_until, version, reason, facts, steps"
)
"""The columns of `run_progress`."""


REJECTED_INSERT = (
    "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

REJECTED_COLUMNS = """
    id, source, status, error, verdict, method, target, base_url, client_ip, received_at, headers,
    body FROM rejected
"""


def rejected_row(rejected: Rejected, slot: int, n: int) -> tuple[Any, ...]:
    """Return the row of `rejected`; a long body is cut."""
    request = rejected.request
    verdict = rejected.verdict
    return (
        slot,
        n,
        rejected.id,
        rejected.source,
        rejected.status,
        rejected.error,
        None if verdict is None else _encode(msgspec.structs.replace(verdict, content_key=b"")),
        request.method,
        request.target,
        request.base_url,
        request.client_ip,
        request.received_at,
        request.headers.pack(),
        request.body[:REJECTED_BODY_MAX],
    )
