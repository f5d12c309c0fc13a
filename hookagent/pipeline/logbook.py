"""The log in the state folder: everything that happened, one line each, in files of bounded size.

    .hookagent/log/hookagent.log      the current one, mode 0600
    .hookagent/log/hookagent.log.1    the one before, and so on

Lines gather for a moment and are written by a thread, so that a slow disk does not hold up a
delivery. What could not be written is lost and said once; the store has every event anyway.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from hookagent.config.model import Config
from hookagent.pipeline.feed import Feed, Happening, Subscription, Trouble
from hookagent.pipeline.logline import LineMaker
from hookagent.redact import Redactor

FOLDER = "log"
NAME = "hookagent.log"
BREATH_S = 0.2
"""How long lines gather."""
MODE = 0o600


class LogFile:
    """A file that is set aside when it is full."""

    def __init__(self, path: Path, *, max_bytes: int, kept: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._kept = kept

    def write(self, lines: list[bytes]) -> None:
        """Add lines, never splitting one over two files. Raises OSError."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        size = self._size()
        batch: list[bytes] = []
        for line in lines:
            if size and size + len(line) > self._max_bytes:
                self._append(batch)
                self._set_aside()
                batch, size = [], 0
            batch.append(line)
            size += len(line)
        self._append(batch)

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _append(self, lines: list[bytes]) -> None:
        if not lines:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(self.path, flags, MODE), "ab") as file:
            file.write(b"".join(lines))

    def _set_aside(self) -> None:
        """Make room: `.1` becomes `.2` and so on, the oldest goes."""
        if not self.path.exists():
            return
        for number in range(self._kept, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path


class Logbook:
    """Writes what the feed tells."""

    def __init__(self, config: Config, feed: Feed, clock: Callable[[], int]) -> None:
        secrets = set(config.environment.secrets)
        secrets.update(secret for one in config.sources.values() for secret in one.secrets)
        log = config.log
        self._lines = LineMaker(log, Redactor(secrets))
        path = (log.folder or config.state_folder / FOLDER) / NAME
        self._file = LogFile(path, max_bytes=log.max_bytes, kept=log.kept)
        self._feed = feed
        self._clock = clock
        self._subscription: Subscription = feed.subscribe(every=self._lines.wants_every)
        self._is_failing = False

    async def run(self) -> None:
        """Write until cancelled; what was told before that is written still."""
        try:
            while news := await self._subscription.batch():
                await self._write(news)
                await asyncio.sleep(BREATH_S)
        finally:
            self._feed.unsubscribe(self._subscription)
            await self._write(await self._subscription.batch())

    async def _write(self, news: list[Happening]) -> None:
        lines = [line for happening in news if (line := self._lines.line(happening)) is not None]
        if not lines:
            return
        try:
            await asyncio.to_thread(self._file.write, lines)
        except OSError as error:
            if not self._is_failing:
                self._is_failing = True
                self._feed.publish(
                    Trouble(
                        at=self._clock(),
                        part="log",
                        message=f"the log cannot be written: {error.strerror or error}",
                        hint="what happens is in the store; `[log] enabled = false` ends this",
                    )
                )
            return
        self._is_failing = False
