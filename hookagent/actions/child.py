"""Runs a child process so that nothing of it is left when its time is over.

The child gets its input as a file, so that one which never reads cannot block us; its output is
read to the end and kept up to a bound, so that one which floods cannot block itself. It leads its
own process group: at its end, at its time limit or when we are cancelled, the whole group goes,
whether or not it listens to SIGTERM.
"""

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OUTPUT_BYTES_MAX = 1024 * 1024
"""Kept of each of stdout and stderr; the rest is read and dropped."""
GRACE_SECONDS = 2.0
"""From SIGTERM to SIGKILL."""
STEP_SECONDS = 1.0
"""How often a time limit is looked at."""
NOTICE_SECONDS = 0.05
"""What it may take until an end is noticed, if the limit and it came in one freeze."""
DRAIN_SECONDS = 1.0
"""How long output is awaited after the child and its group are gone."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "SYSTEMROOT")
"""What a child inherits of our environment; everything else may hold a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    stdin: Path
    """Its input, a file that exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended."""

    exit_code: int
    """Negative: the number of the signal that ended it."""
    stdout: bytes
    stderr: bytes
    is_cut: bool
    """Whether there was more output than is kept."""
    timed_out: bool = False


def clean_environment(inherited: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return the few variables a child may have of ours, and what is meant for it."""
    return {name: inherited[name] for name in _PASSED_ON if name in inherited} | dict(added)


async def run_child(command: Command, *, timeout_seconds: float) -> Ended:
    """Run a child to its end or its time limit. Raises OSError where it cannot be started."""
    outlets = [_Outlet(), _Outlet()]
    try:
        child = await _start(command, outlets)
    except BaseException:
        for outlet in outlets:
            outlet.close()
        raise
    _forbid_core_dumps(child.pid)
    readers = [asyncio.ensure_future(outlet.read()) for outlet in outlets]
    ended = _watch(child)
    timed_out = False
    try:
        await _within(ended, timeout_seconds)
        if not ended.done():
            timed_out = True
            await _ask_to_end(child, ended)
    finally:
        if not ended.done():
            _signal_group(child, signal.SIGKILL)
        await asyncio.shield(_finish(ended, readers, outlets))
    return Ended(
        exit_code=ended.result(),
        stdout=bytes(outlets[0].kept),
        stderr=bytes(outlets[1].kept),
        is_cut=any(outlet.is_cut for outlet in outlets),
        timed_out=timed_out,
    )


async def _within(ended: "asyncio.Future[int]", seconds: float) -> None:
    """Wait for an end or so long, in steps: time in which we were frozen counts as one of them.

    A child that ended while its parent could not look has ended in time.
    """
    while seconds > 0 and not ended.done():
        step = min(seconds, STEP_SECONDS)
        await asyncio.wait([ended], timeout=step)
        seconds -= step
    await asyncio.wait([ended], timeout=NOTICE_SECONDS)


async def _start(command: Command, outlets: "list[_Outlet]") -> "subprocess.Popen[bytes]":
    """Start the child on a thread, since a fork takes its time.

    `Popen` rather than the loop's own: uvloop's cannot set a umask.
    """

    def start() -> "subprocess.Popen[bytes]":
        with command.stdin.open("rb") as stdin:
            return subprocess.Popen(  # noqa: S603 - a list whose first item is literal, no shell
                command.arguments,
                stdin=stdin,
                stdout=outlets[0].inlet,
                stderr=outlets[1].inlet,
                cwd=command.folder,
                env=dict(command.environment),
                start_new_session=True,
                umask=0o077,
            )

    starting = asyncio.ensure_future(asyncio.to_thread(start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        child = await starting  # it is there by now, or was never
        _signal_group(child, signal.SIGKILL)
        child.wait()
        raise
    finally:
        for outlet in outlets:
            outlet.hand_over()


def _forbid_core_dumps(pid: int) -> None:
    """Keep a crash of the child from leaving its memory, with the payload in it, on disk."""
    if hasattr(resource, "prlimit"):  # Linux
        with contextlib.suppress(OSError):  # it may have ended already
            resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))


def _watch(child: "subprocess.Popen[bytes]") -> "asyncio.Future[int]":
    """Return a future of the exit code; a thread of its own waits, and ends with the child."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def note(exit_code: int) -> None:
        if not ended.done():
            ended.set_result(exit_code)

    def wait() -> None:
        # Not reaped yet, the leader keeps the group's number from being given to anyone else.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        _signal_group(child, signal.SIGKILL)
        exit_code = child.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            loop.call_soon_threadsafe(note, exit_code)

    threading.Thread(target=wait, name=f"child {child.pid}", daemon=True).start()
    return ended


async def _ask_to_end(child: "subprocess.Popen[bytes]", ended: "asyncio.Future[int]") -> None:
    """Ask the group to end, and wait a moment for its leader."""
    _signal_group(child, signal.SIGTERM)
    await asyncio.wait([ended], timeout=GRACE_SECONDS)


def _signal_group(child: "subprocess.Popen[bytes]", what: signal.Signals) -> None:
    """Signal whoever is left of the child's group; macOS says EPERM where only zombies are."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, what)


async def _finish(
    ended: "asyncio.Future[int]",
    readers: "list[asyncio.Task[None]]",
    outlets: "list[_Outlet]",
) -> None:
    """Reap the child and read what is left; a stranger that holds the pipe is not waited for."""
    await ended
    await asyncio.wait(readers, timeout=DRAIN_SECONDS)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for outlet in outlets:
        outlet.close()


class _Outlet:
    """A pipe from the child: kept up to a bound, read beyond it.

    Its descriptor is never given to the loop. uvloop closes a pipe that it was given twice, and the
    second time the number may belong to a file that another thread has opened in between.
    """

    def __init__(self) -> None:
        self._read_end, self.inlet = os.pipe()
        os.set_blocking(self._read_end, False)
        self._is_handed_over = False
        self.kept = bytearray()
        self.is_cut = False

    def hand_over(self) -> None:
        """Close our copy of the child's end."""
        if not self._is_handed_over:
            self._is_handed_over = True
            os.close(self.inlet)

    async def read(self) -> None:
        """Read until the last holder of the other end is gone."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def take() -> None:
            try:
                part = os.read(self._read_end, _PART_BYTES)
            except BlockingIOError:
                return
            if part:
                self._keep(part)
            elif not ended.done():
                ended.set_result(None)

        loop.add_reader(self._read_end, take)
        try:
            await ended
        finally:
            loop.remove_reader(self._read_end)

    def _keep(self, part: bytes) -> None:
        left = OUTPUT_BYTES_MAX - len(self.kept)
        self.kept += part[:left]
        self.is_cut = self.is_cut or len(part) > left

    def close(self) -> None:
        """Let go of both ends; nobody reads any more."""
        self.hand_over()
        os.close(self._read_end)


_PART_BYTES = 256 * 1024
