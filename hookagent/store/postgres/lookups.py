"""Reads by name."""

from collections.abc import Sequence

import msgspec

from hookagent.event import Event, Origin
from hookagent.store.base import (
    EventRecord,
    EventState,
    EventSummary,
    Rejected,
    RuleVersion,
    Run,
    StateWrite,
)
from hookagent.store.postgres.arrays import bigs, readable, storable, texts
from hookagent.store.postgres.ordering import ASLEEP
from hookagent.store.postgres.rows import (
    EVENT_COLUMNS,
    REJECTED_COLUMNS,
    RUNS,
    read_event,
    read_rejected,
    read_run,
)
from hookagent.store.postgres.session import Row, Session, Statement
from hookagent.store.rows import RUN_STATES

_SUMMARY = """
    SELECT e.seq, e.id, s.name, k.type, e.received_at, k.method, e.target, length(e.body),
        (SELECT u.seq FROM hook.unrouted AS u WHERE u.seq = e.seq) IS NULL, k.origin,
        coalesce(e.parent, ''), k.code, k.integrity,
        (SELECT d.duplicates FROM hook.keys AS d WHERE d.id = e.id)
    FROM hook.events AS e
    JOIN hook.kinds AS k ON k.id = e.kind_id
    JOIN hook.sources AS s ON s.id = k.source_id
    WHERE e.seq = ANY($1::int8[])
"""
_RUN_STATES = """
    SELECT event_seq, state, count(*) FROM hook.runs WHERE event_seq = ANY($1::int8[])
    GROUP BY event_seq, state
"""


async def summaries(session: Session, seqs: Sequence[int]) -> list[EventSummary]:
    """Return one line for each of these events, in the order given; absent ones are left out."""
    if not seqs:
        return []
    wanted = (bigs(seqs),)
    rows, runs = await session.run([Statement(_SUMMARY, wanted), Statement(_RUN_STATES, wanted)])
    states: dict[int, dict[str, int]] = {}
    for seq, state, count in runs:
        states.setdefault(seq, {})[str(RUN_STATES[state])] = count
    found = {row[0]: _summary(row, states.get(row[0], {})) for row in rows}
    return [found[seq] for seq in seqs if seq in found]


def _summary(row: Row, runs: dict[str, int]) -> EventSummary:
    return msgspec.convert(
        {
            "seq": row[0],
            "id": row[1],
            "source": readable(row[2]),
            "type": readable(row[3]),
            "received_at": row[4],
            "method": row[5],
            "target": readable(row[6]),
            "size": row[7],
            "state": EventState.ROUTED if row[8] else EventState.STORED,
            "origin": Origin(str(row[9])),
            "parent": row[10],
            "code": row[11],
            "integrity": row[12],
            "duplicates": row[13],
            "runs": runs,
        },
        EventSummary,
    )


async def event(session: Session, event_id: str) -> EventRecord | None:
    """Return one event in full, or None."""
    place = await session.fetch("SELECT seq FROM hook.keys WHERE id = $1", storable(event_id))
    if not place:
        return None
    seq = place[0][0]
    events, runs, replays = await session.run(
        [
            Statement(f"SELECT {EVENT_COLUMNS} WHERE e.seq = $1", (seq,)),
            Statement(f'SELECT {RUNS} WHERE r.event_seq = $1 ORDER BY r.id COLLATE "C"', (seq,)),
            Statement("SELECT id FROM hook.events WHERE parent = $1 ORDER BY seq", (event_id,)),
        ]
    )
    found = await summaries(session, [seq])
    if not events or not found:
        return None
    return EventRecord(
        summary=found[0],
        event=read_event(events[0]),
        runs=[read_run(row) for row in runs],
        replays=[row[0] for row in replays],
    )


async def events_of(session: Session, event_ids: Sequence[str]) -> list[Event]:
    """Return these events as they arrived; those that are gone are left out."""
    if not event_ids:
        return []
    rows = await session.fetch(
        f"SELECT {EVENT_COLUMNS} JOIN hook.keys AS w ON w.seq = e.seq WHERE w.id = ANY($1::text[])",
        texts(event_ids),
    )
    return [read_event(row) for row in rows]


async def event_ids_like(session: Session, beginning: str, limit: int) -> list[str]:
    """Return ids of events that begin so, in order."""
    rows = await session.fetch(
        "SELECT id FROM hook.keys WHERE id >= $1 AND starts_with(id, $1)"
        " AND id < $2 ORDER BY id LIMIT $3",
        storable(beginning),
        storable(beginning) + "\U0010ffff",
        limit,
    )
    return [row[0] for row in rows]


async def run(session: Session, run_id: str) -> Run | None:
    """Return one run, or None."""
    rows = await session.fetch(f"SELECT {RUNS} WHERE r.id = $1", storable(run_id))
    return read_run(rows[0]) if rows else None


async def rule_version(session: Session, version: str) -> RuleVersion | None:
    """Return the recorded actions of a rule, or None."""
    rows = await session.fetch(
        "SELECT rule, steps FROM hook.rule_versions WHERE hash = $1", storable(version)
    )
    if not rows:
        return None
    rule, steps = rows[0]
    return RuleVersion(hash=version, rule=readable(rule), steps=msgspec.json.decode(steps))


async def next_due(session: Session) -> int | None:
    """Return when the next run may be claimed or state looked at; 0 for at once."""
    ((at,),) = await session.fetch(
        "SELECT least((SELECT min(wake_at) FROM hook.runs WHERE wake_at IS NOT NULL),"
        " (SELECT min(due_at) FROM hook.states WHERE due_at > 0))"
    )
    return None if at is None or at >= ASLEEP else int(at)


async def due_states(session: Session, now: int, limit: int) -> list[StateWrite]:
    """Return state whose time has come, earliest first."""
    rows = await session.fetch(
        "SELECT rule, key, value, due_at FROM hook.states WHERE due_at > 0 AND due_at <= $1"
        " ORDER BY due_at, rule, key LIMIT $2",
        now,
        limit,
    )
    return [_state(row) for row in rows]


async def states(session: Session, rule: str) -> list[StateWrite]:
    """Return all state, of one rule or (empty) of all."""
    rows = await session.fetch(
        "SELECT rule, key, value, due_at FROM hook.states WHERE $1 = '' OR rule = $1"
        ' ORDER BY rule COLLATE "C", key COLLATE "C"',
        storable(rule),
    )
    return [_state(row) for row in rows]


def _state(row: Row) -> StateWrite:
    return StateWrite(rule=readable(row[0]), key=readable(row[1]), value=row[2], due_at=row[3])


async def rejected(session: Session, limit: int, source: str) -> list[Rejected]:
    """List refusals, newest first."""
    rows = await session.fetch(
        f"SELECT {REJECTED_COLUMNS} WHERE $1 = '' OR source = $1 ORDER BY n DESC LIMIT $2",
        storable(source),
        limit,
    )
    return [read_rejected(row) for row in rows]


async def rejection(session: Session, rejected_id: str) -> Rejected | None:
    """Return one refusal, or None."""
    rows = await session.fetch(f"SELECT {REJECTED_COLUMNS} WHERE id = $1", storable(rejected_id))
    return read_rejected(rows[0]) if rows else None


async def kept(session: Session, name: str) -> bytes | None:
    """Return a kept value, or None."""
    rows = await session.fetch("SELECT value FROM hook.kept WHERE name = $1", storable(name))
    return rows[0][0] if rows else None
