"""A thread that adds new bodies to the text search while the store serves.

It gives way to arrivals: while events come in it works a hundredth of the time, else without
pause.
What is too little for a chunk waits: a search reads so few bodies itself.
"""

import contextlib
import sqlite3
import threading
import time
from pathlib import Path

from hookagent.store.base import StoreUnavailable
from hookagent.store.sqlite.connection import Purpose, connect
from hookagent.store.sqlite.search import SearchIndex

LOOK_SECONDS = 1.0
"""How often new bodies are looked for."""
PAUSE_FACTOR = 99
"""While events arrive, the pause after a chunk is so many times the work."""


class Indexing:
    """Owns the thread."""

    def __init__(self, path: Path, index: SearchIndex) -> None:
        self._path = path
        self._index = index
        self._arrived = 0
        self._seen = -1  # what an earlier process left is looked for at once
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-search", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; blocks until the chunk under way is done."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def wrote(self, rows: int) -> None:
        """Hear that so many rows were committed; called by the writer."""
        self._arrived += rows

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            if self._arrived == self._seen:
                continue
            # A disk that fails here fails the writer too, and it is the writer who says so.
            with contextlib.suppress(sqlite3.Error, StoreUnavailable, OSError):
                self._catch_up()

    def _catch_up(self) -> None:
        connection = connect(self._path, Purpose.READ)
        try:
            while not self._stopping.is_set():
                arrived = self._arrived
                began = time.monotonic()
                if not self._index.add_chunk(connection, only_full=True):
                    self._seen = arrived
                    return
                if self._arrived != arrived:
                    self._stopping.wait((time.monotonic() - began) * PAUSE_FACTOR)
        finally:
            connection.close()
