"""Text search in bodies: an index of trigrams in a file of its own, built in the background.

The file is derived data: it can be thrown away, it has its own write lock, and its writes never
wait for the accept path's disk sync nor hold it up. The index says which bodies hold all of a
text's trigrams (FTS5, `detail=none`: half the size of one with positions); whoever asks looks into
the body itself. Each part covers 32,768 sequence numbers: a search goes from the newest part to
older ones and stops when its page is full, and what was pruned leaves by dropping whole parts.

FTS5 and its trigram tokenizer: https://www.sqlite.org/fts5.html
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from hookagent.store.base import StoreUnavailable
from hookagent.store.sqlite.connection import Purpose, connect
from hookagent.store.sqlite.files import make_private

PART_BITS = 15
TEXT_MIN = 3
"""Shorter texts have no trigram; they are looked for in the bodies one by one."""
_NO_ZERO = "\ufffd"
"""Stands for U+0000 in the index, where FTS5 would see the end of the text."""
TRIGRAMS_MAX = 32
"""More of them would hardly narrow the search further."""
CHUNK = 2_048
"""Bodies added in one transaction: each makes one segment of the index, and few large segments
need no merging, which would write every body five times over."""
CHUNK_BYTES = 4 * 1024 * 1024
"""A chunk of larger bodies ends here."""
PAGE = 128
"""Candidates read at once."""
SEGMENTS_MAX = 64
"""More segments in a part are merged; only a store that is restarted often gets there."""


_PARTS = "SELECT name FROM sqlite_master WHERE name GLOB 'part_[0-9]*' AND sql LIKE 'CREATE V%'"


class SearchIndex:
    """The index beside one database; every method may be called from any thread."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".search")
        self._writing = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._reading = threading.RLock()
        self._reader: sqlite3.Connection | None = None

    def close(self) -> None:
        """Let go of the file."""
        with self._writing, self._reading:
            self._drop_connections()

    def add(self, events: sqlite3.Connection, limit: int) -> int:
        """Add up to `limit` bodies that are not in yet, oldest first; return how many."""
        added = 0
        while count := self.add_chunk(events, min(CHUNK, limit - added)):
            added += count
        return added

    def add_chunk(
        self, events: sqlite3.Connection, limit: int = CHUNK, *, only_full: bool = False
    ) -> int:
        """Add one chunk of bodies; with `only_full` nothing while it would be a small one."""
        with self._writing:
            connection = self._opened(events)
            rows = _next_bodies(events, self._value(connection, "indexed_to"), limit)
            if not rows or (only_full and len(rows) < limit and _size(rows) < CHUNK_BYTES):
                return 0
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._insert(connection, rows)
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
        return len(rows)

    def indexed_to(self, events: sqlite3.Connection) -> int:
        """Return the highest sequence number whose body is in, or 0."""
        self._open_reader(events)
        rows = self._read("SELECT value FROM facts WHERE name = 'indexed_to'")
        return int(rows[0][0]) if rows else 0

    def candidates(
        self, events: sqlite3.Connection, text: str, low: int, high: int, *, forward: bool
    ) -> Iterator[int]:
        """Yield events in [low, high] whose bodies have all trigrams of a text (TEXT_MIN up)."""
        if high < low:
            return
        match = _match(text)
        self._open_reader(events)
        parts = [_part(name) for (name,) in self._read(_PARTS)]
        for part in sorted(parts, reverse=not forward):
            first, last = max(low, part << PART_BITS), min(high, ((part + 1) << PART_BITS) - 1)
            while first <= last:
                found = self._page(part, match, (first, last), forward=forward)
                yield from found
                if len(found) < PAGE:
                    break
                if forward:
                    first = found[-1] + 1
                else:
                    last = found[-1] - 1

    def drop_before(self, events: sqlite3.Connection, seq: int) -> None:
        """Drop the parts that hold nothing from this sequence number on."""
        with self._writing:
            connection = self._opened(events)
            for part in self._parts(connection):
                if (part + 1) << PART_BITS <= seq:
                    connection.execute(f"DROP TABLE part_{part}")

    def _page(self, part: int, match: str, among: tuple[int, int], *, forward: bool) -> list[int]:
        order = "ASC" if forward else "DESC"
        rows = self._read(
            f"SELECT rowid FROM part_{part} WHERE part_{part} MATCH ?"  # noqa: S608 - a number
            f" AND rowid BETWEEN ? AND ? ORDER BY rowid {order} LIMIT {PAGE}",
            (match, *among),
        )
        return [seq for (seq,) in rows]

    def _insert(self, connection: sqlite3.Connection, rows: list[tuple[int, bytes]]) -> None:
        for part, of_part in groupby(rows, lambda row: row[0] >> PART_BITS):
            parts = self._parts(connection)
            if part not in parts:
                if part - 1 in parts:  # it is complete: one segment is searched quickest
                    connection.execute(
                        f"INSERT INTO part_{part - 1} (part_{part - 1}) VALUES ('optimize')"  # noqa: S608 - a number
                    )
                connection.execute(
                    f"CREATE VIRTUAL TABLE part_{part} USING"
                    " fts5(body, content='', detail=none, columnsize=0, tokenize=trigram)"
                )
                for setting, value in (("automerge", 0), ("crisismerge", SEGMENTS_MAX)):
                    connection.execute(
                        f"INSERT INTO part_{part} (part_{part}, rank) VALUES (?, ?)",  # noqa: S608 - a number
                        (setting, value),
                    )
            connection.executemany(
                f"INSERT INTO part_{part} (rowid, body) VALUES (?, ?)",  # noqa: S608 - a number
                ((seq, _text(body).replace("\0", _NO_ZERO)) for seq, body in of_part),
            )
        self._keep(connection, "indexed_to", rows[-1][0])

    def _open_reader(self, events: sqlite3.Connection) -> None:
        """See that there is a reader; `_writing` is always taken before `_reading`."""
        if self._reader is None:
            with self._writing:
                self._opened(events)
                with self._reading:
                    self._reader = connect(self._path, Purpose.READ)

    def _read(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        """Run a query on the index; throw the file away where it turns out to be damaged."""
        try:
            with self._reading:
                if self._reader is None:  # closed, or thrown away, in the meantime
                    return []
                return self._reader.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            with self._writing, self._reading:
                self._throw_away()
            raise StoreUnavailable(
                f"the text index `{self._path}` was damaged and is made anew: {error}",
                hint="search again; no event is lost",
            ) from error

    def _opened(self, events: sqlite3.Connection) -> sqlite3.Connection:
        """Return the connection; start over with what is damaged or of another database."""
        if self._connection is not None:
            return self._connection
        identity = events.execute("SELECT value FROM counters WHERE name = 'identity'").fetchone()
        try:
            connection = self._open_file()
            is_ours = self._value(connection, "identity") in {identity[0], 0}
        except sqlite3.DatabaseError:
            is_ours = False
        if not is_ours:
            self._throw_away()
        connection = self._open_file()
        self._keep(connection, "identity", identity[0])
        return connection

    def _open_file(self) -> sqlite3.Connection:
        if self._connection is None:
            make_private(self._path)
            self._connection = connect(self._path, Purpose.SEARCH)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS facts"
                " (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID"
            )
        return self._connection

    def _throw_away(self) -> None:
        self._drop_connections()
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def _drop_connections(self) -> None:
        for connection in (self._connection, self._reader):
            if connection is not None:
                connection.close()
        self._connection = self._reader = None

    @staticmethod
    def _parts(connection: sqlite3.Connection) -> list[int]:
        return [_part(name) for (name,) in connection.execute(_PARTS)]

    @staticmethod
    def _value(connection: sqlite3.Connection, name: str) -> int:
        row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    @staticmethod
    def _keep(connection: sqlite3.Connection, name: str, value: int) -> None:
        connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))


def occurs(text: str, body: bytes) -> bool:
    """Tell whether a text occurs in a body, whatever the case of its letters."""
    return text.lower() in _text(body).lower()


def _part(name: str) -> int:
    return int(name.removeprefix("part_"))


def _next_bodies(events: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, bytes]]:
    rows = []
    size = 0
    for seq, body in events.execute(
        "SELECT seq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
    ):
        rows.append((seq, body))
        size += len(body)
        if size >= CHUNK_BYTES:
            break
    return rows


def _size(rows: list[tuple[int, bytes]]) -> int:
    return sum(len(body) for _, body in rows)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _match(text: str) -> str:
    """Return an FTS5 query for all trigrams of a text, or for a spread of them."""
    text = text.replace("\0", _NO_ZERO)
    trigrams = sorted({text[at : at + 3] for at in range(len(text) - 2)})
    step = -(-len(trigrams) // TRIGRAMS_MAX)
    return " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in trigrams[::step])
