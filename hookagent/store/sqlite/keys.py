"""Find an event by its idempotency key without paying for a random page per event.

A unique index over keys is written at random places: every event would dirty a page of its own,
and that page would cost more than the event. So keys are indexed by a fingerprint of six bytes in
the narrow table `keys`, and new fingerprints wait in memory for a generation, then go into the
table in order, a few with each commit, many to a page. Until a whole generation is written the
counter `keyed` stays, and a restart reads the newer fingerprints from the events themselves.

A fingerprint only suggests: whoever finds one compares the key itself.
"""

import sqlite3
from functools import cache
from hashlib import blake2b

from hookagent.store.sqlite.bulk import places, run_many

GENERATION = 32_768
"""New fingerprints in memory before they are merged: about 4 MiB, and at a million events some
seven to a page."""
MERGE_MIN = 64
"""Fingerprints merged with a commit, at least."""


@cache
def _keys_insert(rows: int) -> str:
    return f"INSERT OR IGNORE INTO keys VALUES {places(rows, 2)}"  # noqa: S608 - constants of ours


def fingerprint(source_id: int, key: bytes) -> int:
    """Return 48 bits that tell keys apart well enough to make a second look rare."""
    return int.from_bytes(blake2b(b"%d:%b" % (source_id, key), digest_size=6).digest(), "big")


class Keys:
    """Fingerprints of stored events, by the process that accepts."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._fresh: dict[int, int] = {}
        self._merging: dict[int, int] = {}
        self._waiting: list[tuple[int, int]] = []
        self._merged = 0
        self._merged_before = 0
        self._added: list[int] = []
        self._is_begun = False
        """Whether the transaction under way began to merge a generation."""
        self.is_loaded = False

    def load(self) -> None:
        """Read the fingerprints the table does not have yet."""
        row = self._connection.execute("SELECT value FROM counters WHERE name = 'keyed'").fetchone()
        keyed = row[0] if row else 0
        self._fresh = dict(
            self._connection.execute("SELECT fingerprint, seq FROM events WHERE seq > ?", (keyed,))
        )
        self.is_loaded = True

    def find(self, print_: int) -> int | None:
        """Return the event that has this fingerprint, if it is a new one."""
        found = self._fresh.get(print_)
        return self._merging.get(print_) if found is None else found

    def add(self, print_: int, seq: int) -> None:
        """Remember a new event's fingerprint."""
        if print_ in self._fresh:
            self._insert([(print_, seq)])  # another key with the same fingerprint
            return
        self._fresh[print_] = seq
        self._added.append(print_)

    def merge(self, arrived: int) -> None:
        """Write some of the last generation, in order; keeps up with what arrives."""
        if not self._waiting and len(self._fresh) >= GENERATION:
            self._merging, self._fresh = self._fresh, {}
            self._waiting = sorted(self._merging.items())
            self._merged = self._merged_before = 0
            self._is_begun = True
        if not self._waiting:
            return
        self._merged_before = self._merged
        self._merged += max(MERGE_MIN, 2 * arrived)
        self._insert(self._waiting[self._merged_before : self._merged])
        if self._merged >= len(self._waiting):
            highest = max(self._merging.values())
            self._connection.execute(
                "INSERT OR REPLACE INTO counters VALUES ('keyed', ?)", (highest,)
            )

    def committed(self) -> None:
        """Hear that what was written is on disk."""
        self._added.clear()
        self._is_begun = False
        if self._waiting and self._merged >= len(self._waiting):
            self._waiting = []
            self._merging = {}

    def rolled_back(self) -> None:
        """Hear that it is not: forget what was added, and merge again."""
        if self._is_begun:  # with numbers that other events will have, which `keyed` would hide
            self._fresh, self._merging, self._waiting = self._merging, {}, []
            self._is_begun = False
        for print_ in self._added:
            self._fresh.pop(print_, None)
        self._added.clear()
        self._merged = self._merged_before

    def _insert(self, entries: list[tuple[int, int]]) -> None:
        run_many(self._connection, _keys_insert, entries)
