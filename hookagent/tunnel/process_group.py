"""Ends a program together with everything it started."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

LOOK_SECONDS = 0.02
"""Between two looks at a program that is ending."""


async def end_group(pid: int, is_alive: Callable[[], bool], grace_seconds: float) -> None:
    """Ask a process group to end, and end it by force when it does not within the grace.

    `pid` leads its group (it was started in a session of its own). `is_alive` must collect the
    exit status, or a dead leader would look alive for ever.
    """
    _signal(pid, signal.SIGTERM)
    await wait_until(lambda: not is_alive(), grace_seconds)
    _signal(pid, signal.SIGKILL)  # also for what the leader left behind in its group
    await wait_until(lambda: not is_alive(), grace_seconds)


async def wait_until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for something that only looking can tell, at most so long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not done() and loop.time() < deadline:  # noqa: ASYNC110 - nobody sets an event for it
        await asyncio.sleep(LOOK_SECONDS)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
