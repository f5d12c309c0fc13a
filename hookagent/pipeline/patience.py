"""A time limit that is not used up while the process is frozen.

After a SIGSTOP, or when a debugger held it, a limit and what it waits for are both due at once, and
the limit would come first: work that had ended in time would count as too late and be done again.
"""

import asyncio
from types import TracebackType

LATE_S = 1.0
"""An alarm that rings so much too late shows that the process did not run."""
GRACE_S = 5.0
"""Then what ended meanwhile has so long to be noticed."""


class Patience:
    """As `asyncio.timeout`, which it uses: TimeoutError when the time is over."""

    __slots__ = ("_alarm", "_due", "_limit", "_loop", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limit = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._limit.__aenter__()
        self._set(self._seconds)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._alarm.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def _set(self, seconds: float) -> None:
        self._due = self._loop.time() + seconds
        self._alarm = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        now = self._loop.time()
        if now - self._due > LATE_S:
            self._set(GRACE_S)
        else:
            self._limit.reschedule(now)
