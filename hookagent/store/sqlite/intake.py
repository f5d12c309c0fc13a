"""Write what arrives: new events, duplicates, refusals, and the counts of each."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hookagent.event import Event
from hookagent.store.base import Accepted, Rejected
from hookagent.store.sqlite.connection import pragma
from hookagent.store.sqlite.names import Names
from hookagent.store.sqlite.rows import EVENT_INSERT, REJECTED_INSERT, event_row, rejected_row

REJECTED_MAX = 500
"""So many refusals are kept; the oldest makes room."""

RECENT_MAX = 65_536
"""So many new events' places are remembered until they are routed."""

MINUTE_MS = 60_000


class Arrival(NamedTuple):
    """An event to insert, and the worker that already has it in memory, if one does."""

    event: Event
    owner: str
    lease_until: int


class Intake:
    """Inserts within a transaction of the writer; the writer calls `forget` after a rollback."""

    def __init__(self, connection: sqlite3.Connection, names: Names) -> None:
        self.names = names
        self.recent: dict[str, tuple[int, int]] = {}
        """Seq and kind of events by id, from their commit until they are routed."""
        self._connection = connection
        self._next_seq = 0
        self._next_rejected = 0
        self._version = -1

    def forget(self) -> None:
        """Read the counters anew before the next insert."""
        self._version = -1
        self.recent.clear()

    def begin(self) -> None:
        """Notice what another process wrote since the last transaction."""
        version = pragma(self._connection, "data_version")
        if version != self._version:
            self._version = version
            self._next_seq = self._one(
                "SELECT max((SELECT coalesce(max(seq), 0) FROM events),"
                " (SELECT coalesce(max(value), 0) FROM counters WHERE name = 'events')) + 1"
            )
            self._next_rejected = self._one("SELECT coalesce(max(n), 0) + 1 FROM rejected")

    def accept(self, arrivals: Sequence[Arrival]) -> list[Accepted]:
        """Insert events; those whose (source, key) is there count as duplicates of it."""
        connection = self._connection
        first = self._next_seq
        seq = first
        rows = []
        kind_of = self.names.kind
        for event, _, _ in arrivals:
            source_id, kind_id = kind_of(event)
            rows.append(event_row(event, seq, source_id, kind_id))
            seq += 1
        before = connection.total_changes
        connection.executemany(EVENT_INSERT, rows)
        is_all_new = connection.total_changes - before == len(rows)
        self._next_seq = seq
        self._note(first, seq)
        self._lease(arrivals, first)
        recent = self.recent
        if len(recent) > RECENT_MAX:
            recent.clear()
        if is_all_new:
            for row in rows:
                recent[row[1]] = (row[0], row[4])
            return [Accepted(arrival.event.id) for arrival in arrivals]
        return self._tell_apart(rows, first, seq)

    def _lease(self, arrivals: Sequence[Arrival], first: int) -> None:
        """Note who has the events in memory: mostly the same worker for all."""
        owners = {arrival.owner for arrival in arrivals}
        for owner in owners - {""}:
            until = max(arrival.lease_until for arrival in arrivals if arrival.owner == owner)
            held = [
                (owner, until, first + place)
                for place, arrival in enumerate(arrivals)
                if arrival.owner == owner
            ]
            if len(owners) == 1:
                self._connection.execute(
                    "UPDATE unrouted SET owner = ?, lease_until = ? WHERE seq >= ?", held[0]
                )
            else:
                self._connection.executemany(
                    "UPDATE unrouted SET owner = ?, lease_until = ? WHERE seq = ?", held
                )

    def _note(self, first: int, end: int) -> None:
        """Keep what is derived from the events in [first, end): whoever was a duplicate is absent.

        One statement for the whole batch each, so it costs nearly nothing per event.
        """
        among = (first, end)
        execute = self._connection.execute
        execute(
            "INSERT INTO unrouted (seq) SELECT seq FROM events WHERE seq >= ? AND seq < ?", among
        )
        execute(
            "INSERT INTO spans SELECT seq >> 10, min(received_at), max(received_at) FROM events"
            " WHERE seq >= ? AND seq < ? GROUP BY 1 ON CONFLICT (block) DO UPDATE SET"
            " first_at = min(first_at, excluded.first_at),"
            " last_at = max(last_at, excluded.last_at)",
            among,
        )
        execute(
            "INSERT INTO tally (minute, source_id, events, last_at)"
            " SELECT received_at / 60000, source_id, count(*), max(received_at) FROM events"
            " WHERE seq >= ? AND seq < ? GROUP BY 1, 2 ON CONFLICT (minute, source_id) DO UPDATE"
            " SET events = events + excluded.events, last_at = max(last_at, excluded.last_at)",
            among,
        )

    def _tell_apart(
        self, rows: Sequence[tuple[object, ...]], first: int, end: int
    ) -> list[Accepted]:
        """Answer for a batch with duplicates in it, and count them."""
        execute = self._connection.execute
        inserted = {
            row[0]
            for row in execute("SELECT seq FROM events WHERE seq >= ? AND seq < ?", (first, end))
        }
        answers = []
        counts: Counter[int] = Counter()
        for row in rows:
            seq, event_id, source_id, key, kind_id, received_at = row[:6]
            if seq in inserted:
                assert isinstance(seq, int)
                assert isinstance(kind_id, int)
                self.recent[str(event_id)] = (seq, kind_id)
                answers.append(Accepted(str(event_id)))
                continue
            original = execute(
                "SELECT seq, id FROM events WHERE source_id = ? AND key = ?", (source_id, key)
            ).fetchone()
            if original is None:  # the id itself is there already
                original = execute(
                    "SELECT seq, id FROM events WHERE id = ?", (event_id,)
                ).fetchone()
            counts[original[0]] += 1
            answers.append(Accepted(original[1], is_duplicate=True))
            assert isinstance(received_at, int)
            self._count(received_at // MINUTE_MS, source_id, "duplicates", received_at)
        self._connection.executemany(
            "INSERT INTO duplicates VALUES (?, ?)"
            " ON CONFLICT (seq) DO UPDATE SET count = count + excluded.count",
            counts.items(),
        )
        return answers

    def reject(self, refusals: Sequence[Rejected]) -> None:
        """Write refusals into the ring."""
        rows = []
        for rejected in refusals:
            n = self._next_rejected
            self._next_rejected += 1
            rows.append(rejected_row(rejected, n % REJECTED_MAX, n))
            at = rejected.request.received_at
            self._count(at // MINUTE_MS, self.names.source(rejected.source), "rejected", at)
        self._connection.executemany(REJECTED_INSERT, rows)

    def _count(self, minute: int, source_id: object, column: str, at: int) -> None:
        self._connection.execute(
            f"INSERT INTO tally (minute, source_id, {column}, last_at) VALUES (?, ?, 1, ?)"  # noqa: S608 - a constant of ours
            f" ON CONFLICT (minute, source_id) DO UPDATE SET {column} = {column} + 1,"
            " last_at = max(last_at, excluded.last_at)",
            (minute, source_id, at),
        )

    def _one(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])
