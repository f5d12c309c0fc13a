"""Copy the write-ahead log into the database, off the path of commits.

A checkpoint beside a busy writer never reaches the log's end, and the log would grow without
bound. So it goes in steps: the bulk is copied while the writer writes; what was copied is brought
to the disk, for which the writer has to keep still for a moment only; then the rest, a few pages,
is copied and synced while the writer waits at `commit_lock`, and its next commit starts the log
anew.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from hookagent.store.sqlite.connection import PAGE_BYTES, Purpose, connect

EVERY_CHANGES = 4_000
"""Rows changed between checkpoints; an accepted event of 1 KiB is two, so about 4 MiB of log."""
IDLE_SECONDS = 5.0
"""After this long the log is copied however little it holds, so that a restart reads none."""
LOG_PAGES_MAX = 32 * 1024 * 1024 // PAGE_BYTES
"""Beyond 32 MiB of log the writer is made to wait for the checkpoint."""
SMALL_REST_PAGES = 1024 * 1024 // PAGE_BYTES
"""So few pages are copied and synced quickly enough to hold the writer for."""
STILL_SECONDS = 0.005
"""SQLite syncs what it copied only where it has reached the log's end, which it then holds up: for
so long the writer stands still for it, and not while the sync itself goes on."""
ATTEMPTS = 6
"""So often what came meanwhile is copied when the writer was faster."""


class Checkpoints:
    """A thread that checkpoints after so many changes, or when things are quiet."""

    def __init__(self, path: Path, commit_lock: threading.Lock) -> None:
        self._path = path
        self._commit_lock = commit_lock
        self._changes = 0
        self._wake = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="store-checkpoint", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; blocks until a checkpoint under way is done."""
        self._is_stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def wrote(self, changes: int) -> None:
        """Count what was committed; called by the writer."""
        self._changes += changes
        if self._changes >= EVERY_CHANGES:
            self._wake.set()

    def _run(self) -> None:
        while not self._is_stopping:
            self._wake.wait(IDLE_SECONDS)
            self._wake.clear()
            if self._changes and not self._is_stopping:
                self._changes = 0
                # A disk that fails here fails the writer too, and it is the writer who says so.
                with contextlib.suppress(sqlite3.Error):
                    self._checkpoint()

    def _checkpoint(self) -> None:
        connection = connect(self._path, Purpose.CHECKPOINT)
        try:
            log, copied = _copy(connection)
            before = 0
            for _ in range(ATTEMPTS):
                before = log
                with held_at_most(self._commit_lock, STILL_SECONDS):
                    log, copied = _copy(connection)
                if log - before <= SMALL_REST_PAGES:
                    break
            is_little_left = max(log - before, log - copied) <= SMALL_REST_PAGES
            if is_little_left or log > LOG_PAGES_MAX:
                with self._commit_lock:
                    _copy(connection)
        finally:
            connection.close()


@contextlib.contextmanager
def held_at_most(lock: threading.Lock, seconds: float) -> Iterator[None]:
    """Hold a lock for as long as the block lasts, but not for longer than that."""
    ended = threading.Event()
    lock.acquire()

    def let_go() -> None:
        ended.wait(seconds)
        lock.release()

    thread = threading.Thread(target=let_go, name="store-still", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _copy(connection: sqlite3.Connection) -> tuple[int, int]:
    """Copy what no reader still needs; return pages in the log and pages copied so far."""
    _, log, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(log), int(copied)


def empty_log(connection: sqlite3.Connection) -> bool:
    """Copy the whole log into the database and begin it anew; False while somebody reads it.

    Needed before a log is written to that was not written by this connection alone: after a sync
    that failed, or a process that was killed, reading may show pages of the log that are not on the
    disk and that no later sync brings there, and every commit after them would be lost with them.
    What is copied is synced with the database, and the copy fails if that does.
    """
    is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy
