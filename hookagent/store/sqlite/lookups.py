"""Reads by name, on a reading connection: they see the last commit and never hold up a write."""

import sqlite3
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
from hookagent.store.rows import RUN_STATES, event_of, rejected_of, run_of
from hookagent.store.sqlite.ordering import ASLEEP
from hookagent.store.sqlite.rows import EVENT_COLUMNS, REJECTED_COLUMNS, RUN_COLUMNS

_SUMMARY = """
    SELECT e.seq, e.id, s.name, k.type, e.received_at, k.method, e.target, length(e.body),
        u.seq IS NULL, k.origin, coalesce(e.parent, ''), k.code, k.integrity,
        coalesce(d.count, 0)
    FROM events AS e
    JOIN kinds AS k ON k.id = e.kind_id
    JOIN sources AS s ON s.id = k.source_id
    LEFT JOIN unrouted AS u ON u.seq = e.seq
    LEFT JOIN duplicates AS d ON d.seq = e.seq
    WHERE e.seq = ?
"""


def events_of(connection: sqlite3.Connection, event_ids: Sequence[str]) -> list[Event]:
    """Return these events as they arrived; those that are gone are left out."""
    rows = connection.execute(
        f"SELECT {EVENT_COLUMNS} WHERE e.id IN (SELECT value FROM json_each(?))",  # noqa: S608 - a constant of ours
        (msgspec.json.encode(event_ids).decode(),),
    )
    return [event_of(row) for row in rows]


def summaries(connection: sqlite3.Connection, seqs: Sequence[int]) -> list[EventSummary]:
    """Return one line for each of these events, in the order given; absent ones are left out."""
    found = []
    for seq in seqs:
        row = connection.execute(_SUMMARY, (seq,)).fetchone()
        if row is not None:
            found.append(_summary(connection, row))
    return found


def _summary(connection: sqlite3.Connection, row: tuple[object, ...]) -> EventSummary:
    runs = connection.execute(
        "SELECT state, count(*) FROM runs WHERE event_seq = ? GROUP BY state", (row[0],)
    )
    return msgspec.convert(
        {
            "seq": row[0],
            "id": row[1],
            "source": row[2],
            "type": row[3],
            "received_at": row[4],
            "method": row[5],
            "target": row[6],
            "size": row[7],
            "state": EventState.ROUTED if row[8] else EventState.STORED,
            "origin": Origin(str(row[9])),
            "parent": row[10],
            "code": row[11],
            "integrity": row[12],
            "duplicates": row[13],
            "runs": {str(RUN_STATES[state]): count for state, count in runs},
        },
        EventSummary,
    )


def event(connection: sqlite3.Connection, event_id: str) -> EventRecord | None:
    """Return one event in full, or None."""
    place = connection.execute("SELECT seq FROM events WHERE id = ?", (event_id,)).fetchone()
    if place is None:
        return None
    row = connection.execute(f"SELECT {EVENT_COLUMNS} WHERE e.seq = ?", place).fetchone()
    runs = connection.execute(
        f"SELECT {RUN_COLUMNS} WHERE r.event_seq = ? ORDER BY r.id",
        place,
    )
    replays = connection.execute("SELECT id FROM events WHERE parent = ? ORDER BY seq", (event_id,))
    found = summaries(connection, place)
    if row is None or not found:
        return None
    return EventRecord(
        summary=found[0],
        event=event_of(row),
        runs=[run_of(run_row) for run_row in runs],
        replays=[str(replay) for (replay,) in replays],
    )


def event_ids_like(connection: sqlite3.Connection, beginning: str, limit: int) -> list[str]:
    """Return ids of events that begin so, in order."""
    rows = connection.execute(
        "SELECT id FROM events WHERE id >= ? AND substr(id, 1, ?) = ? AND id < ?"
        " ORDER BY id LIMIT ?",
        (beginning, len(beginning), beginning, beginning + "\U0010ffff", limit),
    )
    return [str(event_id) for (event_id,) in rows]


def run(connection: sqlite3.Connection, run_id: str) -> Run | None:
    """Return one run, or None."""
    row = connection.execute(f"SELECT {RUN_COLUMNS} WHERE r.id = ?", (run_id,)).fetchone()
    return None if row is None else run_of(row)


def rule_version(connection: sqlite3.Connection, version: str) -> RuleVersion | None:
    """Return the recorded actions of a rule, or None."""
    row = connection.execute(
        "SELECT rule, steps FROM rule_versions WHERE hash = ?", (version,)
    ).fetchone()
    if row is None:
        return None
    return RuleVersion(hash=version, rule=row[0], steps=msgspec.json.decode(row[1]))


def next_due(connection: sqlite3.Connection) -> int | None:
    """Return when the next run may be claimed or state looked at; 0 for at once."""
    row = connection.execute(
        "SELECT min(at) FROM (SELECT min(wake_at) AS at FROM runs WHERE wake_at IS NOT NULL"
        " UNION ALL SELECT min(due_at) FROM states WHERE due_at > 0)"
    ).fetchone()
    return None if row[0] is None or row[0] >= ASLEEP else int(row[0])


def due_states(connection: sqlite3.Connection, now: int, limit: int) -> list[StateWrite]:
    """Return state whose time has come, earliest first."""
    rows = connection.execute(
        "SELECT rule, key, value, due_at FROM states WHERE due_at > 0 AND due_at <= ?"
        " ORDER BY due_at, rule, key LIMIT ?",
        (now, limit),
    )
    return [_state(row) for row in rows]


def states(connection: sqlite3.Connection, rule: str) -> list[StateWrite]:
    """Return all state, of one rule or (empty) of all."""
    rows = connection.execute(
        "SELECT rule, key, value, due_at FROM states WHERE ?1 = '' OR rule = ?1 ORDER BY rule, key",
        (rule,),
    )
    return [_state(row) for row in rows]


def _state(row: tuple[str, str, bytes, int]) -> StateWrite:
    return StateWrite(rule=row[0], key=row[1], value=row[2], due_at=row[3])


def rejected(connection: sqlite3.Connection, limit: int, source: str) -> list[Rejected]:
    """List refusals, newest first."""
    rows = connection.execute(
        f"SELECT {REJECTED_COLUMNS} WHERE ?1 = '' OR source = ?1 ORDER BY n DESC LIMIT ?2",
        (source, limit),
    )
    return [rejected_of(row) for row in rows]


def rejection(connection: sqlite3.Connection, rejected_id: str) -> Rejected | None:
    """Return one refusal, or None."""
    row = connection.execute(
        f"SELECT {REJECTED_COLUMNS} WHERE id = ?",
        (rejected_id,),
    ).fetchone()
    return None if row is None else rejected_of(row)


def kept(connection: sqlite3.Connection, name: str) -> bytes | None:
    """Return a kept value, or None."""
    row = connection.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
    return None if row is None else bytes(row[0])
