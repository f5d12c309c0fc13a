"""A tunnel's program in a process group of its own, and the lines it writes.

Both of its outputs are read as one, so that nothing of it reaches the terminal; its input is empty.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

from hookagent.tunnel.process_group import end_group

LINE_BYTES_MAX = 64 * 1024
"""asyncio's own limit of a line; a longer one is read in pieces."""


class Program:
    """One running program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str], environ: Mapping[str, str]) -> "Program":
        """Start a command. Raises OSError where it cannot be started."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environ),
            start_new_session=True,
            limit=LINE_BYTES_MAX,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """The process id, which is its group's too."""
        return self._process.pid

    async def lines(self) -> AsyncGenerator[str, None]:
        """Yield every line it writes, without its end, until it closes its outputs."""
        assert self._process.stdout is not None
        pending = b""
        while piece := await self._process.stdout.read(LINE_BYTES_MAX):
            *whole, pending = (pending + piece).split(b"\n")
            for line in whole:
                yield _text(line)
            if len(pending) > LINE_BYTES_MAX:
                yield _text(pending)
                pending = b""
        if pending:
            yield _text(pending)

    async def exit_code(self) -> int:
        """Wait for its end; a negative number is the signal that ended it."""
        return await self._process.wait()

    async def stop(self, grace_seconds: float) -> None:
        """End it and everything it started."""
        await end_group(self.pid, lambda: self._process.returncode is None, grace_seconds)


def find_program(name: str, configured: str, environ: Mapping[str, str]) -> Path | None:
    """Return the configured program, else the first of that name on the search path."""
    if configured:
        named = Path(configured).expanduser()
        return named.resolve() if is_program(named) else None
    return next((path for path in on_search_path(name, environ) if is_program(path)), None)


def on_search_path(name: str, environ: Mapping[str, str]) -> list[Path]:
    """Return where a program of this name could be."""
    folders = environ.get("PATH", "").split(os.pathsep)
    return [Path(folder) / name for folder in folders if folder]


def is_program(path: Path) -> bool:
    """Say whether a file can be run."""
    return path.is_file() and os.access(path, os.X_OK)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")
