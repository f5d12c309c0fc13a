"""What a copy changes in a database. Each function is one piece of a transaction."""

import sqlite3
from collections.abc import Callable, Sequence

import msgspec

from hookagent.event import Event
from hookagent.store.base import Run
from hookagent.store.moving import (
    MARK,
    OWN_NAMES,
    PAGE_ROWS,
    Page,
    Part,
    Place,
    Row,
    Step,
    overtaken,
)
from hookagent.store.rows import DISCARDED, DONE, run_progress
from hookagent.store.sqlite.intake import SPANS
from hookagent.store.sqlite.keys import GENERATION, fingerprint
from hookagent.store.sqlite.names import Names
from hookagent.store.sqlite.ordering import arrange
from hookagent.store.sqlite.rows import (
    EVENT_COLUMNS,
    PROGRESS_COLUMNS,
    REJECTED_INSERT,
    RUN_COLUMNS,
    event_row,
)
from hookagent.store.sqlite.tables import read_event, read_run

_EVENT_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_RUN_INSERT = (
    "INSERT INTO runs (id, event_seq, rule_id, cell_id, created_at,"  # noqa: S608 - constants of ours
    f" {PROGRESS_COLUMNS}, order_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_AMEND = f"UPDATE runs SET ({PROGRESS_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?"  # noqa: S608 - as above
_READ = {
    Part.EVENTS: f"SELECT {EVENT_COLUMNS} WHERE e.id IN (SELECT value FROM json_each(?))"  # noqa: S608 - as above
    " ORDER BY e.seq",
    Part.RUNS: f"SELECT {RUN_COLUMNS} WHERE r.id IN (SELECT value FROM json_each(?))"  # noqa: S608 - as above
    " ORDER BY r.seq",
}
_UNFINISHED = (
    f"SELECT r.seq, {RUN_COLUMNS} WHERE r.seq > ? AND r.state NOT IN ({DONE}, {DISCARDED})"
    " ORDER BY r.seq LIMIT ?"
)
_PLACES = "SELECT id, seq, kind_id FROM events WHERE id IN (SELECT value FROM json_each(?))"
_KEYED = "coalesce((SELECT value FROM counters WHERE name = 'keyed'), 0)"
KEYED = (
    "SELECT count(*) FROM events AS e WHERE e.seq > "  # noqa: S608 - a constant of ours
    f"{_KEYED} OR EXISTS (SELECT 1 FROM keys AS k WHERE k.fingerprint = e.fingerprint"
    " AND k.seq = e.seq)"
)
"""Counts the events that a further delivery with the same key finds: see keys.py."""
_MERGE = (
    "INSERT OR IGNORE INTO keys SELECT fingerprint, seq FROM events"  # noqa: S608 - as above
    f" WHERE seq > {_KEYED} AND seq <= ? ORDER BY fingerprint"
)
_QUIET = """
    INSERT INTO quiet SELECT kind_id, seq FROM events AS e
    WHERE NOT EXISTS (SELECT 1 FROM unrouted AS u WHERE u.seq = e.seq)
    AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.event_seq = e.seq)
"""
_IN_ORDER = """
    SELECT DISTINCT rule_id, order_key FROM runs
    WHERE order_key IS NOT NULL AND wake_at IS NOT NULL
"""
_OF_EVENT = "(SELECT seq FROM events WHERE id = ?)"
_TABLE_OF = {
    Part.RULE_VERSIONS: "rule_versions",
    Part.UNROUTED: "unrouted",
    Part.DUPLICATES: "duplicates",
    Part.DOCKET: "docket",
    Part.STATES: "states",
    Part.REJECTED: "rejected",
    Part.KEPT: "kept",
    Part.STRETCHES: "stretches",
    Part.TALLY: "tally",
}


def highest(connection: sqlite3.Connection) -> dict[Part, Place]:
    """Return the highest numbers of events and runs."""
    events, runs = connection.execute(
        "SELECT (SELECT coalesce(max(seq), 0) FROM events),"
        " (SELECT coalesce(max(seq), 0) FROM runs)"
    ).fetchone()
    return {Part.EVENTS: events, Part.RUNS: runs}


def read(connection: sqlite3.Connection, part: Part, ids: Sequence[str]) -> Sequence[Row]:
    """Read these events or runs in the order of their numbers."""
    rows = connection.execute(_READ[part], (_json(ids),))
    return [(read_event if part is Part.EVENTS else read_run)(row) for row in rows]


def unfinished(connection: sqlite3.Connection, after: Place) -> Page:
    """Read the next page of runs that are not in a final state."""
    found = connection.execute(_UNFINISHED, (after or 0, PAGE_ROWS)).fetchall()
    return Page([read_run(row[1:]) for row in found], found[-1][0] if found else None)


def adopt(connection: sqlite3.Connection, names: Names, part: Part, rows: Sequence[Row]) -> None:
    """Append rows."""
    if part is Part.EVENTS:
        _adopt_events(connection, names, rows)
    elif part is Part.RUNS:
        _adopt_runs(connection, names, rows)
    else:
        _ADOPT[part](connection, names, rows)


def _adopt_events(connection: sqlite3.Connection, names: Names, events: Sequence[Event]) -> None:
    first = highest(connection)[Part.EVENTS] + 1
    rows = []
    for seq, event in enumerate(events, first):
        kind = names.kind(event)
        rows.append(event_row(event, seq, kind, fingerprint(kind[0], event.key)))
    connection.executemany(_EVENT_INSERT, rows)
    last = first + len(rows)
    connection.execute(SPANS, (first, last))
    (keyed,) = connection.execute(f"SELECT {_KEYED}").fetchone()
    if last - keyed > GENERATION:
        _merge_keys(connection, last - 1)


def _merge_keys(connection: sqlite3.Connection, last: int) -> None:
    """Put the keys of the newest events into their table, in order: many to a page."""
    connection.execute(_MERGE, (last,))
    connection.execute("INSERT OR REPLACE INTO counters VALUES ('keyed', ?)", (last,))


def _adopt_runs(connection: sqlite3.Connection, names: Names, runs: Sequence[Run]) -> None:
    places = {
        event_id: (seq, kind_id)
        for event_id, seq, kind_id in connection.execute(
            _PLACES, (_json([run.event_id for run in runs]),)
        )
    }
    rows = []
    for run in runs:
        seq, kind_id = places.get(run.event_id, (None, 0))
        rule_id = names.rule(run.rule)
        rows.append(
            (
                run.id,
                seq,
                rule_id,
                names.cell(rule_id, kind_id),
                run.created_at,
                *run_progress(run),
                run.order_key or None,
            )
        )
    connection.executemany(_RUN_INSERT, rows)


def amend(connection: sqlite3.Connection, runs: Sequence[Run]) -> None:
    """Write runs that are there as they are now."""
    connection.executemany(_AMEND, [(*run_progress(run), run.id) for run in runs])


def drop(connection: sqlite3.Connection, part: Part, ids: Sequence[str]) -> None:
    """Remove events or runs."""
    rows = [(one,) for one in ids]
    if part is Part.RUNS:
        connection.executemany("DELETE FROM runs WHERE id = ?", rows)
        return
    connection.executemany(
        "DELETE FROM keys WHERE (fingerprint, seq) ="
        " (SELECT fingerprint, seq FROM events WHERE id = ?)",
        rows,
    )
    connection.executemany("DELETE FROM events WHERE id = ?", rows)


def clear(connection: sqlite3.Connection, part: Part) -> None:
    """Remove all rows of a small part."""
    if part is Part.KEPT:
        connection.execute("DELETE FROM kept WHERE name NOT IN (?, ?)", OWN_NAMES)
    else:
        connection.execute(f"DELETE FROM {_TABLE_OF[part]}")  # noqa: S608 - constants of ours


def derive(connection: sqlite3.Connection) -> None:
    """Bring keys, quiet events and the order of runs up to date."""
    _merge_keys(connection, highest(connection)[Part.EVENTS])
    connection.execute("DELETE FROM quiet")
    connection.execute(_QUIET)
    arrange(connection, connection.execute(_IN_ORDER).fetchall())


def keep(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    """Keep a value."""
    connection.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, value))


def swap_mark(connection: sqlite3.Connection, mark: Step, label: str) -> None:
    """Change the mark. Raises OutsideError where it is another's."""
    done = connection.execute(
        "UPDATE kept SET value = ? WHERE name = ? AND value = ?", (mark.after, MARK, mark.before)
    )
    if done.rowcount != 1:
        raise overtaken(label)


def _insert(statement: str) -> Callable[[sqlite3.Connection, Names, Sequence[Row]], None]:
    def insert(connection: sqlite3.Connection, _: Names, rows: Sequence[Row]) -> None:
        connection.executemany(statement, rows)

    return insert


def _adopt_docket(connection: sqlite3.Connection, _: Names, rows: Sequence[Row]) -> None:
    connection.executemany(
        "INSERT INTO docket SELECT received_at, id, seq, ?2 FROM events WHERE id = ?1", rows
    )


def _adopt_tally(connection: sqlite3.Connection, names: Names, rows: Sequence[Row]) -> None:
    connection.executemany(
        "INSERT INTO tally (minute, source_id, events, duplicates, rejected, last_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [(minute, names.source(source), *rest) for minute, source, *rest in rows],
    )


_ADOPT = {
    Part.RULE_VERSIONS: _insert("INSERT INTO rule_versions VALUES (?, ?, ?)"),
    Part.UNROUTED: _insert(f"INSERT INTO unrouted (seq) VALUES ({_OF_EVENT})"),  # noqa: S608 - a constant of ours
    Part.DUPLICATES: _insert(f"INSERT INTO duplicates VALUES ({_OF_EVENT}, ?)"),  # noqa: S608 - a constant of ours
    Part.DOCKET: _adopt_docket,
    Part.STATES: _insert("INSERT INTO states VALUES (?, ?, ?, ?)"),
    Part.REJECTED: _insert(REJECTED_INSERT),
    Part.KEPT: _insert("INSERT INTO kept VALUES (?, ?)"),
    Part.STRETCHES: _insert("INSERT INTO stretches (at, span, node, data) VALUES (?, ?, ?, ?)"),
    Part.TALLY: _adopt_tally,
}


def _json(ids: Sequence[str]) -> str:
    return msgspec.json.encode(list(ids)).decode()
