"""Tell other nodes that something was written, and hear it from them: LISTEN and NOTIFY.

A notification makes all commits that carry one wait for each other, so it goes in a transaction of
its own, after what it is about, and at most a few times a second. Whoever listens polls as well:
behind a pooler that shares connections between transactions nothing is heard.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import psycopg

from hookagent.store.base import StoreUnavailable
from hookagent.store.postgres.pool import Pool
from hookagent.store.postgres.session import Session
from hookagent.store.sharing import News

GAP_S = 0.1
"""Between two notifications of the same kind; the first goes at once."""
PAUSE_S = 2.0
"""Before a lost connection is made anew."""


class Bell:
    """Rings for others, and calls back when others ring."""

    def __init__(
        self, pool: Pool, connect: Callable[[], Awaitable[Session]], schema: str, own_id: str
    ) -> None:
        self._pool = pool
        self._connect = connect
        self._channel = f"hookagent_{schema}"
        self._id = own_id
        self._ringing: dict[News, asyncio.Task[None]] = {}
        self._again: set[News] = set()
        self._heard: list[Callable[[News], None]] = []
        self._listening: asyncio.Task[None] | None = None

    def ring(self, news: News) -> None:
        """Let others know, soon and without promise."""
        if news in self._ringing:
            self._again.add(news)
            return
        self._ringing[news] = asyncio.get_running_loop().create_task(self._ring(news))

    def listen(self, heard: Callable[[News], None]) -> None:
        """Call back from now on."""
        self._heard.append(heard)
        if self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def close(self) -> None:
        """Stop both."""
        tasks = [*self._ringing.values(), *([self._listening] if self._listening else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ring(self, news: News) -> None:
        try:
            while True:
                self._again.discard(news)
                with contextlib.suppress(StoreUnavailable):  # they poll
                    await self._pool.execute(
                        "SELECT pg_notify($1, $2)", self._channel, f"{news} {self._id}"
                    )
                await asyncio.sleep(GAP_S)
                if news not in self._again:
                    return
        finally:
            del self._ringing[news]

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(psycopg.Error, OSError, StoreUnavailable):
                session = await self._connect()
                try:
                    await session.fetch(f'LISTEN "{self._channel}"')
                    async for told in session.connection.notifies():
                        self._tell(told.payload)
                finally:
                    await session.close()
            await asyncio.sleep(PAUSE_S)

    def _tell(self, payload: str) -> None:
        word, _, sender = payload.partition(" ")
        if sender != self._id and word in set(News):
            for heard in self._heard:
                heard(News(word))
