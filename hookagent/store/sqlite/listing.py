"""Lists of events and runs by filter, a page at a time.

A filter is turned into a few sorted streams of sequence numbers, each a range of one index; the
streams are merged lazily until the page is full. So the first page costs some seeks whatever the
filter, and an empty answer costs as little as a full one.
"""

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain, groupby, islice
from typing import Any

import msgspec

from hookagent.job import RunState
from hookagent.store.base import EventFilter, Run, RunFilter
from hookagent.store.rows import NUMBER_OF, run_of
from hookagent.store.sqlite.rows import RUN_COLUMNS
from hookagent.store.sqlite.search import TEXT_MIN, SearchIndex, occurs

CHUNK = 64
"""Sequence numbers a stream reads at once."""
FEW = 2_000
"""When no more events than these pass the rest of a filter, their bodies are simply read."""


class Stream(msgspec.Struct, frozen=True):
    """A range of an index: its table and condition, and which column is the event's seq."""

    table: str
    where: str
    values: tuple[Any, ...]
    column: str = "seq"


def event_seqs(
    connection: sqlite3.Connection, wanted: EventFilter, index: SearchIndex
) -> list[int]:
    """Return the sequence numbers of one page: newest first, or oldest first with `after`."""
    forward = wanted.after > 0
    ranges = _ranges(connection, wanted)
    if forward:
        ranges.reverse()
    streams = list(_streams(connection, wanted))
    found: list[int] = []
    for among in ranges:
        if wanted.text:
            seqs = _with_text(connection, wanted.text, streams, among, index, forward=forward)
        else:
            seqs = _merged(connection, streams, among, forward=forward)
        exact = (seq for seq in seqs if _is_within(connection, seq, wanted))
        found += islice(exact, wanted.limit - len(found))
        if len(found) >= wanted.limit:
            break
    return found


def _merged(
    connection: sqlite3.Connection, streams: list[Stream], among: tuple[int, int], *, forward: bool
) -> Iterator[int]:
    merged = heapq.merge(
        *(_numbers(connection, stream, among, forward=forward) for stream in streams),
        reverse=not forward,
    )
    return (seq for seq, _ in groupby(merged))


def _with_text(  # noqa: PLR0913 - a filter's parts
    connection: sqlite3.Connection,
    text: str,
    streams: list[Stream],
    among: tuple[int, int],
    index: SearchIndex,
    *,
    forward: bool,
) -> Iterator[int]:
    """Yield events whose body holds a text: through the index as far as it reaches."""
    low, high = among
    few = list(islice(_merged(connection, streams, among, forward=forward), FEW + 1))
    if len(few) <= FEW:
        yield from (seq for seq in few if _body_holds(connection, seq, text))
        return
    indexed_to = index.indexed_to(connection) if len(text) >= TEXT_MIN else 0
    tail = _merged(connection, streams, (max(low, indexed_to + 1), high), forward=forward)
    indexed = (
        seq
        for seq in index.candidates(connection, text, low, min(high, indexed_to), forward=forward)
        if any(_holds(connection, stream, seq) for stream in streams)
    )
    for seq in chain(indexed, tail) if forward else chain(tail, indexed):
        if _body_holds(connection, seq, text):
            yield seq


def _body_holds(connection: sqlite3.Connection, seq: int, text: str) -> bool:
    row = connection.execute("SELECT body FROM events WHERE seq = ?", (seq,)).fetchone()
    return row is not None and occurs(text, row[0])


def _holds(connection: sqlite3.Connection, stream: Stream, seq: int) -> bool:
    return (
        connection.execute(
            f"SELECT 1 FROM {stream.table} WHERE {stream.where} AND {stream.column} = ? LIMIT 1",  # noqa: S608 - constants of ours
            (*stream.values, seq),
        ).fetchone()
        is not None
    )


def _numbers(
    connection: sqlite3.Connection, stream: Stream, among: tuple[int, int], *, forward: bool
) -> Iterator[int]:
    """Yield a stream's numbers with low <= seq <= high, a chunk at a time."""
    low, high = among
    order = "ASC" if forward else "DESC"
    query = (
        f"SELECT {stream.column} FROM {stream.table} WHERE {stream.where}"  # noqa: S608 - constants of ours
        f" AND {stream.column} BETWEEN ? AND ? ORDER BY {stream.column} {order} LIMIT {CHUNK}"
    )
    while low <= high:
        rows = connection.execute(query, (*stream.values, low, high)).fetchall()
        for (seq,) in rows:
            yield seq
        if len(rows) < CHUNK:
            return
        if forward:
            low = rows[-1][0] + 1
        else:
            high = rows[-1][0] - 1


def _ranges(connection: sqlite3.Connection, wanted: EventFilter) -> list[tuple[int, int]]:
    """Return the ranges of seq that may hold what is wanted, newest first."""
    low = wanted.after + 1
    high = wanted.before - 1 if wanted.before else (1 << 62)
    if not wanted.since and not wanted.until:
        return [(low, high)]
    blocks = connection.execute(
        "SELECT block FROM spans WHERE last_at >= ? AND first_at <= ? ORDER BY block DESC",
        (wanted.since, wanted.until or (1 << 62)),
    )
    ranges: list[tuple[int, int]] = []
    for (block,) in blocks:
        first, last = block << 10, (block << 10) + 1023
        if ranges and ranges[-1][0] == last + 1:
            ranges[-1] = (first, ranges[-1][1])
        else:
            ranges.append((first, last))
    clipped = [(max(low, first), min(high, last)) for first, last in ranges]
    return [(first, last) for first, last in clipped if first <= last]


def _is_within(connection: sqlite3.Connection, seq: int, wanted: EventFilter) -> bool:
    """Tell whether an event of a range lies within the span of time itself."""
    if not wanted.since and not wanted.until:
        return True
    row = connection.execute("SELECT received_at FROM events WHERE seq = ?", (seq,)).fetchone()
    return (
        row is not None and row[0] >= wanted.since and (not wanted.until or row[0] <= wanted.until)
    )


def _streams(connection: sqlite3.Connection, wanted: EventFilter) -> Iterator[Stream]:
    kinds = _kinds(connection, wanted)
    if wanted.parent:
        yield from _of_events("parent = ?", (wanted.parent,), kinds)
    elif wanted.status == "stored":
        yield from _stored(kinds)
    elif wanted.status == "quiet":
        if not wanted.rule:
            yield from _by_kind(connection, "quiet", kinds)
    elif wanted.rule or wanted.status not in {"", "routed"}:
        yield from _of_runs(connection, wanted, kinds)
    elif kinds is None:
        yield Stream("events", _routed(wanted), ())
    else:
        for kind in kinds:
            yield Stream("events", f"kind_id = ? AND {_routed(wanted)}", (kind,))


def _routed(wanted: EventFilter) -> str:
    if wanted.status == "routed":
        return "seq NOT IN (SELECT seq FROM unrouted)"
    return "TRUE"


def _kinds(connection: sqlite3.Connection, wanted: EventFilter) -> list[int] | None:
    """Return the kinds a filter allows, or None for all."""
    conditions = {
        "s.name = ?": wanted.source,
        "k.type GLOB ?": wanted.type,
        "k.origin = ?": wanted.origin,
        "? IN (k.code, k.integrity)": wanted.verdict,
    }
    used = {condition: value for condition, value in conditions.items() if value}
    if not used:
        return None
    rows = connection.execute(
        "SELECT k.id FROM kinds AS k JOIN sources AS s ON s.id = k.source_id WHERE "  # noqa: S608 - constants of ours
        + " AND ".join(used),
        tuple(used.values()),
    )
    return [kind for (kind,) in rows]


def _of_events(where: str, values: tuple[Any, ...], kinds: list[int] | None) -> Iterator[Stream]:
    if kinds is None:
        yield Stream("events", where, values)
    elif kinds:
        among = ", ".join(str(kind) for kind in kinds)
        yield Stream("events", f"{where} AND +kind_id IN ({among})", values)


def _stored(kinds: list[int] | None) -> Iterator[Stream]:
    if kinds is None:
        yield Stream("unrouted", "TRUE", ())
    elif kinds:
        among = ", ".join(str(kind) for kind in kinds)
        yield Stream(
            "unrouted",
            f"(SELECT kind_id FROM events WHERE events.seq = unrouted.seq) IN ({among})",  # noqa: S608 - numbers
            (),
        )


def _by_kind(
    connection: sqlite3.Connection, table: str, kinds: list[int] | None
) -> Iterator[Stream]:
    if kinds is None:
        kinds = [kind for (kind,) in connection.execute("SELECT id FROM kinds")]
    for kind in kinds:
        yield Stream(table, "kind_id = ?", (kind,))


def _of_runs(
    connection: sqlite3.Connection, wanted: EventFilter, kinds: list[int] | None
) -> Iterator[Stream]:
    """One stream for each rule, kind and state that can meet."""
    states: Sequence[int] = range(len(NUMBER_OF))
    if wanted.status not in {"", "routed"}:
        states = [NUMBER_OF[RunState(wanted.status)]] if wanted.status in set(RunState) else []
    cells = connection.execute(
        "SELECT c.id, c.kind_id FROM cells AS c JOIN rules AS r ON r.id = c.rule_id"
        " WHERE c.kind_id > 0 AND (?1 = '' OR r.name = ?1)",
        (wanted.rule,),
    ).fetchall()
    for cell, kind in cells:
        if kinds is None or kind in kinds:
            for state in states:
                yield Stream("runs", "cell_id = ? AND state = ?", (cell, state), "event_seq")


def runs(connection: sqlite3.Connection, wanted: RunFilter) -> list[Run]:
    """List runs, newest first."""
    few = _few_runs(connection, wanted) if wanted.rule or wanted.states else None
    conditions = ["TRUE"]
    values: list[Any] = []
    if few is not None:
        conditions.append(f"r.seq IN ({', '.join(str(seq) for seq in few)})")
    if wanted.states:
        numbers = ", ".join(str(NUMBER_OF[state]) for state in wanted.states)
        conditions.append(f"+r.state IN ({numbers})")
    for condition, value in (
        ("u.name = ?", wanted.rule),
        ("r.event_seq = (SELECT seq FROM events WHERE id = ?)", wanted.event_id),
        ("r.created_at >= ?", wanted.since),
        ("r.id < ?", wanted.before),
    ):
        if value:
            conditions.append(condition)
            values.append(value)
    rows = connection.execute(
        f"SELECT {RUN_COLUMNS} WHERE {' AND '.join(conditions)} ORDER BY r.id DESC LIMIT ?",
        (*values, wanted.limit),
    )
    return [run_of(row) for row in rows]


def _few_runs(connection: sqlite3.Connection, wanted: RunFilter) -> list[int] | None:
    """Return all runs of a rule or in a state when they are few; walking all by id is slow then."""
    cells = connection.execute(
        "SELECT c.id FROM cells AS c JOIN rules AS r ON r.id = c.rule_id"
        " WHERE ?1 = '' OR r.name = ?1",
        (wanted.rule,),
    ).fetchall()
    found: list[int] = []
    for (cell,) in cells:
        for state in wanted.states or RunState:
            rows = connection.execute(
                "SELECT seq FROM runs WHERE cell_id = ? AND state = ? LIMIT ?",
                (cell, NUMBER_OF[state], FEW + 1 - len(found)),
            )
            found += (seq for (seq,) in rows)
            if len(found) > FEW:
                return None
    return found
