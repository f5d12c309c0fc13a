"""A loop of the agent that goes on whatever happens, and says what did."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from hookagent.pipeline.feed import Feed, Trouble
from hookagent.store.base import StoreUnavailable

T = TypeVar("T")

PAUSE_S = 1.0
"""How long to wait after something went wrong."""


async def forever(
    once: Callable[[], Awaitable[None]], feed: Feed, clock: Callable[[], int]
) -> None:
    """Do one thing again and again until cancelled.

    The store's absence is waited out. A bug of ours is told to the operator and to the event loop's
    own handler, and the loop goes on: an agent that takes events and silently works none off would
    be worse than one that fails at some of them.
    """
    while True:
        try:
            await once()
        except StoreUnavailable as error:
            feed.publish(
                Trouble(at=clock(), part="store", message=error.message, hint=error.hint or "")
            )
            await asyncio.sleep(PAUSE_S)
        except Exception as error:  # noqa: BLE001 - said above
            tell_bug(error, feed, clock)
            await asyncio.sleep(PAUSE_S)


class Uncut:
    """Work that is done to its end, even where a stop cancels the loop that began it.

    What the store was asked to hand over is ours when its commit is on disk, whoever waits for it.
    """

    def __init__(self) -> None:
        self._under_way: set[asyncio.Future[Any]] = set()

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it; whoever is cancelled meanwhile leaves it to go on by itself."""
        doing = asyncio.ensure_future(work)
        self._under_way.add(doing)
        doing.add_done_callback(self._under_way.discard)
        return await asyncio.shield(doing)

    async def settle(self) -> None:
        """Wait for what is under way, however it ends."""
        await asyncio.gather(*self._under_way, return_exceptions=True)


def tell_bug(error: Exception, feed: Feed, clock: Callable[[], int]) -> None:
    """Say that something went wrong which should never have."""
    feed.publish(
        Trouble(
            at=clock(),
            part="worker",
            message=f"a bug of ours: {type(error).__name__}",
            hint="what it was working on is tried again; please report it",
        )
    )
    asyncio.get_running_loop().call_exception_handler(
        {"message": "the worker met a bug and goes on", "exception": error}
    )
