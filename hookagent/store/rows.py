"""Events and runs as rows, and back, and what a claim says: the same in all engines."""

from collections.abc import Mapping
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
"""Stands for a verdict's content key that is also the event's key, as it mostly is; where a column
has one type only, empty bytes do."""

REJECTED_BODY_MAX = 64 * 1024
"""A refused body is kept up to here: enough to see what was sent."""

_steps = msgspec.json.Decoder(list[Step])
_verdict = msgspec.json.Decoder(Verdict)
_encode = msgspec.json.Encoder().encode


Kind = tuple[str, str, str, str, str, bool, str, str, str, int | None]
"""What `kind_of` returns; the last is the secret's place, None where none was used."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes work, how much, and until when it is theirs."""

    owner: str
    now: int
    lease_until: int
    limit: int
    limits: Mapping[str, int] = {}


def kind_of(event: Event) -> Kind:
    """Return what an event has in common with many."""
    request = event.request
    verdict = event.verdict
    return (
        event.source,
        event.type,
        event.origin,
        request.method,
        request.base_url,
        verdict.valid,
        verdict.scheme,
        verdict.code,
        verdict.integrity,
        verdict.secret_index,
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
        request=_request(method, target, headers, body, received_at, client_ip, base_url),
        verdict=Verdict(
            valid=bool(valid),
            scheme=scheme,
            code=Code(code),
            integrity=Integrity(integrity),
            secret_index=None if secret_index < 0 else secret_index,
            signed_at=signed_at,
            content_key=key if content_key in (SAME_AS_KEY, b"") else content_key or b"",
            detail=detail or "",
        ),
    )


def run_of(row: tuple[Any, ...]) -> Run:
    """Read a row of `RUN_COLUMNS`."""
    (
        run_id, event_id, rule, version, state, step, steps, created_at, due_at,
        ended_at, owner, lease_until, reason, facts, order_key,
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
        order_key=order_key,
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
        request=_request(method, target, headers, body, received_at, client_ip, base_url),
    )


def _request(  # noqa: PLR0913, PLR0917 - one argument for each column
    method: str,
    target: str,
    headers: bytes,
    body: bytes,
    received_at: int,
    client_ip: str,
    base_url: str,
) -> RawRequest:
    return RawRequest(
        method=method,
        target=target,
        headers=Headers.unpack(headers),
        body=body,
        received_at=received_at,
        client_ip=client_ip,
        base_url=base_url,
    )
