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
from pathlib import Path

from hookagent.store.sqlite.connection import Purpose, connect
from hookagent.store.sqlite.files import make_private

PART_BITS = 15
TEXT_MIN = 3
"""Shorter texts have no trigram; they are looked for in the bodies one by one."""
_NO_ZERO = "\ufffd"
"""Stands for U+0000 in the index, where FTS5 would see the end of the text."""
TRIGRAMS_MAX = 32
"""More of them would hardly narrow the search further."""
CHUNK = 128
"""Bodies added in one transaction, candidates read at once."""


class SearchIndex:
    """The index beside one database; every method may be called from any thread."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".search")
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._drop_connection()

    def add(self, events: sqlite3.Connection, limit: int) -> int:
        """Add up to `limit` bodies that are not in yet, oldest first; return how many."""
        added = 0
        while added < limit:
            with self._lock:
                count = self._add_chunk(events, min(CHUNK, limit - added))
            added += count
            if not count:
                break
        return added

    def indexed_to(self, events: sqlite3.Connection) -> int:
        """Return the highest sequence number whose body is in, or 0."""
        with self._lock:
            return self._value(self._opened(events), "indexed_to")

    def candidates(
        self, events: sqlite3.Connection, text: str, low: int, high: int, *, forward: bool
    ) -> Iterator[int]:
        """Yield events in [low, high] whose bodies have all trigrams of a text (TEXT_MIN up)."""
        if high < low:
            return
        match = _match(text)
        with self._lock:
            parts = self._parts(self._opened(events))
        for part in sorted(parts, reverse=not forward):
            first, last = max(low, part << PART_BITS), min(high, ((part + 1) << PART_BITS) - 1)
            while first <= last:
                found = self._page(part, match, (first, last), forward=forward)
                yield from found
                if len(found) < CHUNK:
                    break
                if forward:
                    first = found[-1] + 1
                else:
                    last = found[-1] - 1

    def drop_before(self, events: sqlite3.Connection, seq: int) -> None:
        """Drop the parts that hold nothing from this sequence number on."""
        with self._lock:
            connection = self._opened(events)
            for part in self._parts(connection):
                if (part + 1) << PART_BITS <= seq:
                    connection.execute(f"DROP TABLE part_{part}")

    def _page(self, part: int, match: str, among: tuple[int, int], *, forward: bool) -> list[int]:
        order = "ASC" if forward else "DESC"
        with self._lock:
            if self._connection is None:
                return []
            rows = self._connection.execute(
                f"SELECT rowid FROM part_{part} WHERE part_{part} MATCH ?"  # noqa: S608 - a number
                f" AND rowid BETWEEN ? AND ? ORDER BY rowid {order} LIMIT {CHUNK}",
                (match, *among),
            )
            return [seq for (seq,) in rows]

    def _add_chunk(self, events: sqlite3.Connection, limit: int) -> int:
        connection = self._opened(events)
        rows = events.execute(
            "SELECT seq, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
            (self._value(connection, "indexed_to"), limit),
        ).fetchall()
        if not rows:
            return 0
        connection.execute("BEGIN IMMEDIATE")
        try:
            for seq, body in rows:
                part = seq >> PART_BITS
                connection.execute(
                    f"CREATE VIRTUAL TABLE IF NOT EXISTS part_{part} USING"
                    " fts5(body, content='', detail=none, columnsize=0, tokenize=trigram)"
                )
                connection.execute(
                    f"INSERT INTO part_{part} (rowid, body) VALUES (?, ?)",  # noqa: S608 - a number
                    (seq, _text(body).replace("\0", _NO_ZERO)),
                )
            self._keep(connection, "indexed_to", rows[-1][0])
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        return len(rows)

    def _opened(self, events: sqlite3.Connection) -> sqlite3.Connection:
        """Return the connection; start over with what is damaged or of another database."""
        if self._connection is not None:
            return self._connection
        identity = events.execute("SELECT value FROM counters WHERE name = 'identity'").fetchone()
        try:
            connection = self._open_file()
            if self._value(connection, "identity") != identity[0]:
                connection = self._start_over()
        except sqlite3.DatabaseError:
            connection = self._start_over()
        self._keep(connection, "identity", identity[0])
        self._connection = connection
        return connection

    def _open_file(self) -> sqlite3.Connection:
        make_private(self._path)
        connection = connect(self._path, Purpose.SEARCH)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID"
        )
        self._connection = connection
        return connection

    def _start_over(self) -> sqlite3.Connection:
        self._drop_connection()
        for ending in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        return self._open_file()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _parts(connection: sqlite3.Connection) -> list[int]:
        rows = connection.execute(
            "SELECT name FROM sqlite_master WHERE name GLOB 'part_[0-9]*' AND sql LIKE 'CREATE V%'"
        )
        return [int(name.removeprefix("part_")) for (name,) in rows]

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


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _match(text: str) -> str:
    """Return an FTS5 query for all trigrams of a text, or for a spread of them."""
    text = text.replace("\0", _NO_ZERO)
    trigrams = sorted({text[at : at + 3] for at in range(len(text) - 2)})
    step = -(-len(trigrams) // TRIGRAMS_MAX)
    return " AND ".join('"' + trigram.replace('"', '""') + '"' for trigram in trigrams[::step])
