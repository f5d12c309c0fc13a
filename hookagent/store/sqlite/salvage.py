"""Save every readable event of a damaged database into a new one.

Rows are read by their sequence number, a range at a time; a range that cannot be read is halved
until only what is really lost is left out. Damage within a page can also make a row vanish without
an error; the index of ids still tells of it. Sequence numbers, ids and times stay as they were.
"""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from hookagent.errors import OutsideError
from hookagent.event import Origin
from hookagent.store.rows import event_of
from hookagent.store.sqlite.connection import Purpose, connect
from hookagent.store.sqlite.files import make_private
from hookagent.store.sqlite.keys import fingerprint
from hookagent.store.sqlite.names import Names
from hookagent.store.sqlite.ordering import arrange
from hookagent.store.sqlite.rows import EVENT_INSERT, event_row
from hookagent.store.sqlite.schema import migrate
from hookagent.verdict import Code, Integrity

CHUNK = 256
_UNKNOWN_KIND = (
    *("unknown", "", str(Origin.LIVE), "POST", "", 1, ""),
    *(str(Code.UNCHECKED), str(Integrity.NONE), -1),
)
"""Stands for a kind that cannot be read: source, type, origin, method and verdict are lost."""
_EVENT = (
    "SELECT seq, id, key, received_at, target, client_ip, parent, signed_at, content_key, detail,"
    " headers, body, kind_id FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq"
)
PAGE_SIZES = frozenset(1 << power for power in range(9, 16))
"""As the header has them (https://www.sqlite.org/fileformat.html, 1.3.2)."""
_RUN = "SELECT * FROM runs WHERE seq BETWEEN ? AND ? ORDER BY seq"
_AS_IT_IS = (
    "docket",
    "rule_versions", "states", "kept", "duplicates", "rejected", "spans", "stretches",
)  # fmt: skip
"""Tables copied row by row as far as they can be read."""
_ORDERED = "SELECT DISTINCT rule_id, order_key FROM runs WHERE order_key IS NOT NULL"
_Row = tuple[Any, ...]


class SalvageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was saved."""

    events: int
    runs: int
    unreadable: int
    """Sequence numbers of events and runs that could not be read."""
    unrouted: int
    """Saved events whose rules will be matched when the new store is used."""


def salvage(path: Path, to: Path) -> SalvageReport:
    """Read what can be read from `path` and write a new store at `to`; blocks until done.

    Raises OutsideError when `to` exists or nothing at all can be read.
    """
    if to.exists():
        raise OutsideError(f"`{to}` exists already", hint="name a file that does not exist")
    make_private(to)
    try:
        return _salvage(path, to)
    except BaseException:
        for ending in ("", "-wal", "-shm"):
            to.with_name(to.name + ending).unlink(missing_ok=True)
        raise


def _salvage(path: Path, to: Path) -> SalvageReport:
    with _whole_pages(path, to) as readable:
        return _read_out(readable, path, to)


@contextlib.contextmanager
def _whole_pages(path: Path, to: Path) -> Iterator[Path]:
    """Yield the file, or a copy without its last page where the file ends within it.

    SQLite would fill such a page up with zeros and read rows out of it that never were.
    """
    with path.open("rb") as file:
        page = int.from_bytes(file.read(18)[16:], "big")
    size = path.stat().st_size
    if page not in PAGE_SIZES or size < page or size % page == 0:
        yield path
        return
    copy = to.with_name(to.name + ".whole")
    make_private(copy)
    try:
        shutil.copyfile(path, copy)
        os.truncate(copy, size - size % page)
        log = path.with_name(path.name + "-wal")
        if log.exists():
            make_private(copy.with_name(copy.name + "-wal"))
            shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        yield copy
    finally:
        for ending in ("", "-wal", "-shm"):
            copy.with_name(copy.name + ending).unlink(missing_ok=True)


def _read_out(readable: Path, path: Path, to: Path) -> SalvageReport:
    """Copy what can be read into a new store; `path` is what a person knows the file by."""
    target = connect(to, Purpose.WRITE)
    source = sqlite3.connect(f"file:{quote(str(readable))}?mode=ro", uri=True, isolation_level=None)
    source.execute("PRAGMA trusted_schema=OFF")
    source.execute("PRAGMA cell_size_check=ON")
    # SQLite refuses a file that is shorter than its header says, except to one who mends schemas.
    source.execute("PRAGMA writable_schema=ON")
    try:
        migrate(target, to)
        target.execute("BEGIN IMMEDIATE")
        report = Saving(source, target).run()
        target.execute("COMMIT")
    except sqlite3.Error as error:
        raise OutsideError(
            f"nothing can be read from `{path}`: {error}",
            hint="restore it from a backup; the file was left as it is",
        ) from error
    finally:
        source.close()
        target.close()
    return report


class Saving:
    """One salvage: what it reads, what it writes, what it lost."""

    def __init__(self, source: sqlite3.Connection, target: sqlite3.Connection) -> None:
        self._source = source
        self._target = target
        self._names = Names(target)
        self._unreadable = 0
        self._failed: set[int] = set()
        """Sequence numbers of the table under way that gave an error."""
        self._kind_of: dict[int, int] = {}

    def run(self) -> SalvageReport:
        """Copy everything."""
        self._source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        events = self._events()
        runs = self._runs()
        for table in _AS_IT_IS:
            self._copy(table)
        self._tally()
        unrouted = self._unrouted()
        return SalvageReport(
            events=events, runs=runs, unreadable=self._unreadable, unrouted=unrouted
        )

    def _events(self) -> int:
        kinds = {row[0]: row[1:] for row in self._all(_KINDS)}
        saved = 0
        for row in self._ranges("events", _EVENT):
            event = event_of((*row[1:12], *kinds.get(row[12], _UNKNOWN_KIND)))
            kind = self._names.kind(event)
            print_ = fingerprint(kind[0], event.key)
            self._target.execute(EVENT_INSERT, event_row(event, row[0], kind, print_))
            self._kind_of[row[0]] = kind[1]
            saved += 1
        self._count_lost("events", self._kind_of)
        return saved

    def _runs(self) -> int:
        found: set[int] = set()
        rules: dict[int, str] = {row[0]: row[1] for row in self._all("SELECT id, name FROM rules")}
        saved = 0
        columns = len(self._target.execute("PRAGMA table_info(runs)").fetchall())
        for row in self._ranges("runs", _RUN):
            seq, run_id, event_seq, rule_id, _, *rest = row
            new_rule = self._names.rule(rules.get(rule_id, f"unknown-{rule_id}"))
            cell = self._names.cell(new_rule, self._kind_of.get(event_seq, 0))
            values = (seq, run_id, event_seq, new_rule, cell, *rest)
            values += (None,) * (columns - len(values))  # of an older schema
            marks = ", ".join("?" for _ in values)
            self._target.execute(f"INSERT OR IGNORE INTO runs VALUES ({marks})", values)  # noqa: S608 - marks
            found.add(seq)
            saved += 1
        self._count_lost("runs", found)
        arrange(self._target, self._target.execute(_ORDERED).fetchall())  # the first may be lost
        return saved

    def _count_lost(self, table: str, found: Container[int]) -> None:
        """Count the rows that gave an error, and those that only the index of ids tells of."""
        index = f"SELECT seq FROM {table} INDEXED BY {table}_by_id"  # noqa: S608 - constants of ours
        told = {row[0] for row in self._all(index) if row[0] not in found}
        self._unreadable += len(self._failed | told)
        self._failed.clear()

    def _unrouted(self) -> int:
        """Events that were not routed, or that have no run where that cannot be read."""
        try:
            rows = self._source.execute("SELECT seq FROM unrouted").fetchall()
        except sqlite3.DatabaseError:
            rows = self._target.execute(
                "SELECT seq FROM events WHERE seq NOT IN"
                " (SELECT event_seq FROM runs WHERE event_seq IS NOT NULL)"
            ).fetchall()
        self._target.executemany(
            "INSERT INTO unrouted (seq) SELECT seq FROM events WHERE seq = ?", rows
        )
        self._target.execute(
            "DELETE FROM docket WHERE NOT EXISTS (SELECT 1 FROM events WHERE seq = docket.seq)"
        )
        self._target.execute(
            "INSERT INTO quiet SELECT kind_id, seq FROM events AS e WHERE"
            " NOT EXISTS (SELECT 1 FROM unrouted AS u WHERE u.seq = e.seq)"
            " AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.event_seq = e.seq)"
        )
        self._target.execute(
            "INSERT OR REPLACE INTO spans SELECT seq >> 10, min(received_at), max(received_at)"
            " FROM events GROUP BY 1"
        )
        return int(self._target.execute("SELECT count(*) FROM unrouted").fetchone()[0])

    def _copy(self, table: str) -> None:
        for row in self._all(f"SELECT * FROM {table}"):  # noqa: S608 - constants of ours
            marks = ", ".join("?" for _ in row)
            self._target.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)  # noqa: S608 - as above

    def _tally(self) -> None:
        """Copy what was counted; the sources have other ids in the new store."""
        names: dict[int, str] = dict(self._all("SELECT id, name FROM sources"))
        for minute, source_id, *counts in self._all("SELECT * FROM tally"):
            source = self._names.source(names.get(source_id, f"unknown-{source_id}"))
            values = (minute, source, *counts)
            self._target.execute("INSERT OR REPLACE INTO tally VALUES (?, ?, ?, ?, ?, ?)", values)

    def _all(self, query: str) -> Iterator[_Row]:
        """Yield rows until one cannot be read."""
        with contextlib.suppress(sqlite3.DatabaseError):
            yield from self._source.execute(query)

    def _ranges(self, table: str, query: str) -> Iterator[_Row]:
        for low in range(1, self._highest(table) + 1, CHUNK):
            yield from self._range(query, low, low + CHUNK - 1)

    def _range(self, query: str, low: int, high: int) -> Iterator[_Row]:
        try:
            rows = self._source.execute(query, (low, high)).fetchall()
        except sqlite3.DatabaseError:
            if low == high:
                self._failed.add(low)
                return
            middle = (low + high) // 2
            yield from self._range(query, low, middle)
            yield from self._range(query, middle + 1, high)
        else:
            yield from rows

    def _highest(self, table: str) -> int:
        """Return the highest sequence number anything tells of."""
        told = [0]
        for query in (
            f"SELECT max(seq) FROM {table}",  # noqa: S608 - constants of ours
            f"SELECT max(rowid) FROM {table} NOT INDEXED",  # noqa: S608 - as above
            "SELECT max(seq) FROM unrouted",
            "SELECT (max(block) + 1) << 10 FROM spans",
            "SELECT max(event_seq) FROM runs",
        ):
            with contextlib.suppress(sqlite3.DatabaseError):
                told.append(self._source.execute(query).fetchone()[0] or 0)
        return max(told)


_KINDS = """
    SELECT k.id, s.name, k.type, k.origin, k.method, k.base_url, k.valid, k.scheme, k.code,
        k.integrity, k.secret_index
    FROM kinds AS k JOIN sources AS s ON s.id = k.source_id
"""
