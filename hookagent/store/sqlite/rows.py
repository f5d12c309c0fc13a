"""Events and runs as rows, and back."""

from typing import Any

import msgspec

from hookagent.event import Event, Headers, Origin, RawRequest
from hookagent.job import RunState, Step
from hookagent.store.base import Rejected, Run
from hookagent.verdict import Code, Integrity, Verdict

RUN_STATES: tuple[RunState, ...] = (
    RunState.PENDING,
    RunState.RUNNING,
    RunState.WAITING,
    RunState.DONE,
    RunState.DEAD,
    RunState.DISCARDED,
)
"""A state's number in the database is its place here: only ever append."""

NUMBER_OF = {state: number for number, state in enumerate(RUN_STATES)}
PENDING = NUMBER_OF[RunState.PENDING]
RUNNING = NUMBER_OF[RunState.RUNNING]
WAITING = NUMBER_OF[RunState.WAITING]
DONE = NUMBER_OF[RunState.DONE]
DEAD = NUMBER_OF[RunState.DEAD]
DISCARDED = NUMBER_OF[RunState.DISCARDED]

SAME_AS_KEY = 1
"""Stands for a verdict's content key that is also the event's key, as it mostly is."""

REJECTED_BODY_MAX = 64 * 1024
"""A refused body is kept up to here: enough to see what was sent."""

_steps = msgspec.json.Decoder(list[Step])
_verdict = msgspec.json.Decoder(Verdict)
_encode = msgspec.json.Encoder().encode

EVENT_INSERT = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

EVENTS_AT_ONCE = 16
"""Rows in `EVENTS_INSERT`: each statement gives up the interpreter lock once, so that rows in one
statement cost fewer switches between the writer and the loop than rows one by one."""
EVENTS_INSERT = EVENT_INSERT + ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" * (
    EVENTS_AT_ONCE - 1
)

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


def event_of(row: tuple[Any, ...]) -> Event:
    """Read a row of `EVENT_COLUMNS`."""
    (
        event_id, key, received_at, target, client_ip, parent, signed_at, content_key,
        detail, headers, body,
        source, type_, origin, method, base_url, valid, scheme, code, integrity, secret_index,
    ) = row  # fmt: skip
    return Event(
        id=event_id,
        source=source,
        type=type_,
        key=key,
        origin=Origin(origin),
        parent=parent or "",
        request=RawRequest(
            method=method,
            target=target,
            headers=Headers.unpack(headers),
            body=body,
            received_at=received_at,
            client_ip=client_ip,
            base_url=base_url,
        ),
        verdict=Verdict(
            valid=bool(valid),
            scheme=scheme,
            code=Code(code),
            integrity=Integrity(integrity),
            secret_index=None if secret_index < 0 else secret_index,
            signed_at=signed_at,
            content_key=key if content_key == SAME_AS_KEY else content_key or b"",
            detail=detail or "",
        ),
    )


RUN_COLUMNS = """
    r.id, coalesce(e.id, ''), u.name, r.version, r.state, r.step, r.steps, r.created_at, r.due_at,
    r.ended_at, r.owner, r.lease_until, r.reason, r.facts
    FROM runs AS r LEFT JOIN events AS e ON e.seq = r.event_seq JOIN rules AS u ON u.id = r.rule_id
"""
"""What `run_of` reads."""


def run_of(row: tuple[Any, ...]) -> Run:
    """Read a row of `RUN_COLUMNS`."""
    (
        run_id, event_id, rule, version, state, step, steps, created_at, due_at,
        ended_at, owner, lease_until, reason, facts,
    ) = row  # fmt: skip
    return Run(
        id=run_id,
        event_id=event_id,
        rule=rule,
        version=version,
        state=RUN_STATES[state],
        step=step,
        steps=_steps.decode(steps),
        created_at=created_at,
        due_at=due_at,
        ended_at=ended_at,
        owner=owner,
        lease_until=lease_until,
        reason=reason,
        facts=None if facts is None else msgspec.json.decode(facts),
    )


def run_progress(run: Run) -> tuple[Any, ...]:
    """Return what changes while a run lives; a run that is not running is nobody's."""
    is_running = run.state is RunState.RUNNING
    return (
        NUMBER_OF[run.state],
        wake_at(run),
        run.step,
        run.due_at,
        run.ended_at,
        run.owner if is_running else "",
        run.lease_until if is_running else 0,
        run.version,
        run.reason,
        None if run.facts is None else _encode(run.facts),
        _encode(run.steps),
    )


PROGRESS_COLUMNS = (
    "state, wake_at, step, due_at, ended_at, owner, lease_until, version, reason, facts, steps"
)
"""The columns of `run_progress`."""


def wake_at(run: Run) -> int | None:
    """When a run may be claimed: a pending one at any time, whatever the clock does."""
    match run.state:
        case RunState.PENDING:
            return 0
        case RunState.WAITING:
            return run.due_at
        case RunState.RUNNING:
            return run.lease_until
        case _:
            return None


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


def rejected_of(row: tuple[Any, ...]) -> Rejected:
    """Read a row of `REJECTED_COLUMNS`."""
    (
        rejected_id, source, status, error, verdict, method, target, base_url, client_ip,
        received_at, headers, body,
    ) = row  # fmt: skip
    return Rejected(
        id=rejected_id,
        source=source,
        status=status,
        error=error,
        verdict=None if verdict is None else _verdict.decode(verdict),
        request=RawRequest(
            method=method,
            target=target,
            headers=Headers.unpack(headers),
            body=body,
            received_at=received_at,
            client_ip=client_ip,
            base_url=base_url,
        ),
    )
