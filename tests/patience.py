"""How long tests wait, and the waiting.

What normally takes milliseconds may take seconds on a machine that stands still for a while, and a
test that gives up then tells nothing about the code. Who waits for longer than this waits in vain.
"""

import asyncio
import time
from collections.abc import Callable

PATIENCE_S = 60.0


def wait_until(condition: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait for what happens in another process or thread."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def least(measure: Callable[[], float], enough: float, tries: int = 20) -> float:
    """Measure until it is little enough, so often at most; a busy machine only adds to a cost."""
    found = measure()
    for _ in range(tries - 1):
        if found < enough:
            break
        found = min(found, measure())
    return found


async def eventually(condition: Callable[[], object]) -> None:
    """Wait for what nobody tells the loop of."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
