"""SIGHUP asks a service to read its rules again; to a program of a terminal it means the end."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable


def on_hangup(reload: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Call `reload` at every SIGHUP from now on; return what ends that.

    Nothing changes where a terminal is there to hang up, where the system has no such signal, and
    outside the main thread, where somebody else owns the signals.
    """
    if not hasattr(signal, "SIGHUP") or os.isatty(0):
        return lambda: None
    loop = asyncio.get_running_loop()
    under_way: set[asyncio.Future[None]] = set()

    def begin() -> None:
        task = asyncio.ensure_future(reload())
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    def end() -> None:
        loop.remove_signal_handler(signal.SIGHUP)
        for task in under_way:
            task.cancel()

    try:
        loop.add_signal_handler(signal.SIGHUP, begin)
    except (NotImplementedError, RuntimeError, ValueError):
        return lambda: None
    return end
