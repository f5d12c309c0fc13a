"""Write what arrives: new events, duplicates, refusals, and the counts of each."""

import sqlite3
from collections import Counter
from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import msgspec

from hookagent.event import Event
from hookagent.store.base import REJECTED_MAX, Accepted, Rejected
from hookagent.store.sqlite.bulk import run_many
from hookagent.store.sqlite.connection import pragma
from hookagent.store.sqlite.keys import Keys, fingerprint
from hookagent.store.sqlite.names import Names
from hookagent.store.sqlite.rows import (
    EVENT_INSERT,
    REJECTED_INSERT,
    event_row,
    events_insert,
    rejected_row,
)

RECENT_MAX = 65_536
"""So many new events' places are remembered until they are routed."""

MINUTE_MS = 60_000

_Row = tuple[Any, ...]
SEQ, ID, SOURCE, KEY, PRINT, KIND, RECEIVED_AT = range(7)
"""The first columns of a row of `events`."""

_UNROUTED = """
    INSERT INTO unrouted (seq, owner, lease_until) SELECT seq, ?3, ?4 FROM events
    WHERE seq >= ?1 AND seq < ?2 AND seq NOT IN (SELECT value FROM json_each(?5))
"""
_QUIET = """
    INSERT INTO quiet SELECT kind_id, seq FROM events
    WHERE seq >= ?1 AND seq < ?2 AND seq NOT IN (SELECT value FROM json_each(?3))
"""
SPANS = """
    INSERT INTO spans SELECT seq >> 10, min(received_at), max(received_at) FROM events
    WHERE seq >= ? AND seq < ? GROUP BY 1 ON CONFLICT (block) DO UPDATE SET
    first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
"""
_TALLY = """
    INSERT INTO tally (minute, source_id, events, last_at)
    SELECT received_at / 60000, source_id, count(*), max(received_at) FROM events
    WHERE seq >= ? AND seq < ? GROUP BY 1, 2 ON CONFLICT (minute, source_id) DO UPDATE
    SET events = events + excluded.events, last_at = max(last_at, excluded.last_at)
"""
_DERIVED = (SPANS, _TALLY)
"""What follows from new events, one statement each for a whole batch: costs little per event."""

_STORED_BEFORE = """
    SELECT n.seq, o.seq, o.id FROM events AS n
    CROSS JOIN keys AS k ON k.fingerprint = n.fingerprint
    CROSS JOIN events AS o ON o.seq = k.seq AND o.source_id = n.source_id AND o.key = n.key
    WHERE n.seq >= ?1 AND n.seq < ?2 AND o.seq < ?1
"""


class Arrival(NamedTuple):
    """An event to insert, and what is known of its routing."""

    event: Event
    owner: str
    """The worker that has it in memory, if one does."""
    lease_until: int
    is_quiet: bool
    """Whether it is routed already: no rule asks for it."""


class Original(NamedTuple):
    """The event a duplicate is a duplicate of."""

    seq: int
    id: str


class Intake:
    """Inserts within a transaction of the writer, which says how the transaction ended."""

    def __init__(
        self, connection: sqlite3.Connection, names: Names, rejected_max: int = REJECTED_MAX
    ) -> None:
        self.names = names
        self._rejected_max = rejected_max
        self.recent: dict[str, tuple[int, int]] = {}
        """Seq and kind of events by id, from their commit until they are routed."""
        self._connection = connection
        self._keys = Keys(connection)
        self._next_seq = 0
        self._next_rejected = 0
        self._version = -1

    def begin(self) -> None:
        """Notice what another process wrote since the last transaction."""
        version = pragma(self._connection, "data_version")
        if version != self._version:
            self._version = version
            self._next_seq = self._one(
                "SELECT max((SELECT coalesce(max(seq), 0) FROM events),"
                " (SELECT coalesce(max(value), 0) FROM counters"
                " WHERE name IN ('events', 'keyed'))) + 1"
            )
            self._next_rejected = self._one("SELECT coalesce(max(n), 0) + 1 FROM rejected")

    def committed(self) -> None:
        """Hear that the transaction is on disk."""
        self._keys.committed()

    def rolled_back(self) -> None:
        """Hear that it is not: read the counters anew before the next insert."""
        self._keys.rolled_back()
        self._version = -1
        self.recent.clear()

    def accept(self, arrivals: Sequence[Arrival]) -> list[Accepted]:
        """Insert events; those whose (source, key) is there count as duplicates of it."""
        if not self._keys.is_loaded:
            self._keys.load()
        first = self._next_seq
        rows, suspects = self._rows(arrivals)
        before = self._connection.total_changes
        run_many(self._connection, events_insert, rows)
        is_complete = self._connection.total_changes - before == len(rows)
        originals = self._stored_before(first)
        if suspects or not is_complete:
            originals |= self._second_look(suspects, {row[SEQ]: row for row in rows})
        for query in _DERIVED:
            self._connection.execute(query, (first, self._next_seq))
        quiet = {seq for seq, arrival in enumerate(arrivals, first) if arrival.is_quiet}
        if quiet:
            others = [seq for seq in range(first, self._next_seq) if seq not in quiet]
            self._connection.execute(_QUIET, (first, self._next_seq, _json(others)))
        if len(quiet) < len(arrivals):
            self._put_unrouted(arrivals, first, quiet)
            self._remember(rows, quiet)
        self._keys.merge(len(rows))
        if not originals:
            return [Accepted(arrival.event.id) for arrival in arrivals]
        return self._answers(arrivals, first, originals)

    def _rows(self, arrivals: Sequence[Arrival]) -> tuple[list[_Row], list[tuple[_Row, int]]]:
        """Return the rows to insert, and those whose fingerprint was seen lately, with where."""
        rows = []
        suspects = []
        seq = self._next_seq
        kind_of, find, add = self.names.kind, self._keys.find, self._keys.add
        for event, _, _, _ in arrivals:
            kind = kind_of(event)
            print_ = fingerprint(kind[0], event.key)
            row = event_row(event, seq, kind, print_)
            seen = find(print_)
            if seen is None:
                add(print_, seq)
                rows.append(row)
            else:
                suspects.append((row, seen))
            seq += 1
        self._next_seq = seq
        return rows, suspects

    def _stored_before(self, first: int) -> dict[int, Original]:
        """Take out again what the table of keys knows; return each one's original."""
        found = {
            seq: Original(original, event_id)
            for seq, original, event_id in self._connection.execute(
                _STORED_BEFORE, (first, self._next_seq)
            )
        }
        for seq in found:
            self._connection.execute("DELETE FROM events WHERE seq = ?", (seq,))
        return found

    def _second_look(
        self, suspects: list[tuple[_Row, int]], rows: dict[int, _Row]
    ) -> dict[int, Original]:
        """Compare keys where a fingerprint was the same, and ids where a row did not go in."""
        execute = self._connection.execute
        originals = {}
        for row, seen in suspects:
            found = (
                execute(
                    "SELECT seq, id FROM events WHERE seq = ? AND source_id = ? AND key = ?",
                    (seen, row[SOURCE], row[KEY]),
                ).fetchone()
                or execute(
                    "SELECT e.seq, e.id FROM keys AS k JOIN events AS e ON e.seq = k.seq"
                    " WHERE k.fingerprint = ? AND e.source_id = ? AND e.key = ?",
                    (row[PRINT], row[SOURCE], row[KEY]),
                ).fetchone()
            )
            if found is None:
                self._keys.add(row[PRINT], row[SEQ])
                execute(EVENT_INSERT, row)
                rows[row[SEQ]] = row
            else:
                originals[row[SEQ]] = Original(*found)
        for seq, row in rows.items():
            same = execute("SELECT seq, id FROM events WHERE id = ?", (row[ID],)).fetchone()
            if same is not None and same[0] != seq:
                originals[seq] = Original(*same)
        return originals

    def _remember(self, rows: Sequence[_Row], quiet: Container[int]) -> None:
        """Remember where the events are that somebody is going to route."""
        recent = self.recent
        if len(recent) > RECENT_MAX:
            recent.clear()
        for row in rows:
            if row[SEQ] not in quiet:
                recent[row[ID]] = (row[SEQ], row[KIND])

    def _answers(
        self, arrivals: Sequence[Arrival], first: int, originals: dict[int, Original]
    ) -> list[Accepted]:
        """Answer for a batch with duplicates in it, and count them."""
        answers = []
        for seq, (event, _, _, _) in enumerate(arrivals, first):
            original = originals.get(seq)
            if original is None:
                answers.append(Accepted(event.id))
                continue
            if original.id != event.id:
                self.recent.pop(event.id, None)
            answers.append(Accepted(original.id, is_duplicate=True))
            self._count(self.names.source(event.source), "duplicates", event.received_at)
        counts = Counter(original.seq for original in originals.values())
        self._connection.executemany(
            "INSERT INTO duplicates VALUES (?, ?)"
            " ON CONFLICT (seq) DO UPDATE SET count = count + excluded.count",
            counts.items(),
        )
        return answers

    def _put_unrouted(self, arrivals: Sequence[Arrival], first: int, quiet: set[int]) -> None:
        """Put new events before the workers; note who has them in memory, mostly one for all."""
        owners = {arrival.owner for arrival in arrivals if not arrival.is_quiet}
        owner = owners.pop() if len(owners) == 1 else ""
        until = max((arrival.lease_until for arrival in arrivals if owner), default=0)
        self._connection.execute(_UNROUTED, (first, self._next_seq, owner, until, _json([*quiet])))
        if owners:
            self._connection.executemany(
                "UPDATE unrouted SET owner = ?, lease_until = ? WHERE seq = ?",
                [
                    (arrival.owner, arrival.lease_until, seq)
                    for seq, arrival in enumerate(arrivals, first)
                    if arrival.owner
                ],
            )

    def reject(self, refusals: Sequence[Rejected]) -> None:
        """Write refusals into the ring."""
        rows = []
        for rejected in refusals:
            n = self._next_rejected
            self._next_rejected += 1
            rows.append(rejected_row(rejected, n % self._rejected_max, n))
            source_id = self.names.source(rejected.source)
            self._count(source_id, "rejected", rejected.request.received_at)
        self._connection.executemany(REJECTED_INSERT, rows)

    def _count(self, source_id: int, column: str, at: int) -> None:
        self._connection.execute(
            f"INSERT INTO tally (minute, source_id, {column}, last_at) VALUES (?, ?, 1, ?)"  # noqa: S608 - a constant of ours
            f" ON CONFLICT (minute, source_id) DO UPDATE SET {column} = {column} + 1,"
            " last_at = max(last_at, excluded.last_at)",
            (at // MINUTE_MS, source_id, at),
        )

    def _one(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])


def _json(value: list[int]) -> str:
    return msgspec.json.encode(value).decode()
