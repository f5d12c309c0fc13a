"""A few connections for reads and rare writes, so that none of them holds up the writers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg

from hookagent.store.base import StoreUnavailable
from hookagent.store.postgres.session import Row, Session, is_connection_lost
from hookagent.store.postgres.trouble import TRANSIENT, sqlstate, unavailable
from hookagent.store.postgres.writer import ATTEMPTS

ANSWER_S = 60.0
"""What takes longer is given up, and its connection with it."""

Answer = TypeVar("Answer")


class Pool:
    """Connections, opened when first needed."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Session]],
        label: str,
        *,
        width: int,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._connect = connect
        self._label = label
        self._width = width
        self._answer_s = answer_s
        self._room = asyncio.Semaphore(width)
        self._idle: list[Session] = []

    async def read(self, query: Callable[[Session], Awaitable[Answer]]) -> Answer:
        """Run a query, again where its connection turns out to be dead. Raises StoreUnavailable."""
        try:
            return await self._tried(query)
        except (psycopg.Error, OSError, StoreUnavailable) as error:
            raise unavailable(error, self._label) from error

    async def write(
        self,
        work: Callable[[Session], Awaitable[Answer]],
        *,
        is_bounded: bool = True,
    ) -> Answer:
        """Do work in one transaction; one that is not bounded may take as long as it likes.

        Raises StoreUnavailable.
        """

        async def whole(session: Session) -> Answer:
            async with session.transaction():
                return await work(session)

        try:
            return await self._again_where_others_were_in_the_way(whole, is_bounded=is_bounded)
        except (psycopg.Error, OSError) as error:
            raise unavailable(error, self._label) from error

    async def fetch(self, query: str, *values: Any) -> list[Row]:
        """Read with one statement."""
        return await self.read(lambda session: session.fetch(query, *values))

    async def execute(self, query: str, *values: Any) -> list[Row]:
        """Write with one statement."""
        try:
            return await self._again_where_others_were_in_the_way(
                lambda session: session.fetch(query, *values), is_bounded=True
            )
        except (psycopg.Error, OSError) as error:
            raise unavailable(error, self._label) from error

    async def close(self) -> None:
        """Let go of the connections, once those in use come back."""
        for _ in range(self._width):
            await self._room.acquire()
        while self._idle:
            with contextlib.suppress(psycopg.Error, OSError):
                await self._idle.pop().close()

    @asynccontextmanager
    async def _session(self, *, is_bounded: bool = True) -> AsyncIterator[Session]:
        async with self._room:
            session = self._idle.pop() if self._idle else None
            if session is None or session.is_broken:
                session = await self._connect()
            later = asyncio.get_running_loop().call_later
            watch = later(self._answer_s, session.abandon) if is_bounded else None
            try:
                yield session
            except BaseException as error:
                if is_connection_lost(error, session) or isinstance(error, asyncio.CancelledError):
                    session.abandon()
                    await session.close()
                raise
            finally:
                if watch:
                    watch.cancel()
                if not session.is_broken:
                    self._idle.append(session)

    async def _tried(self, query: Callable[[Session], Awaitable[Answer]]) -> Answer:
        for _ in range(self._width):  # each idle connection may be dead
            try:
                async with self._session() as session:
                    return await query(session)
            except psycopg.OperationalError as error:
                if sqlstate(error)[:2] not in {"", "08", "57"}:
                    raise
        async with self._session() as session:
            return await query(session)

    async def _again_where_others_were_in_the_way(
        self, work: Callable[[Session], Awaitable[Answer]], *, is_bounded: bool
    ) -> Answer:
        for _ in range(ATTEMPTS - 1):
            try:
                async with self._session(is_bounded=is_bounded) as session:
                    return await work(session)
            except psycopg.Error as error:
                if sqlstate(error) not in TRANSIENT:
                    raise
        async with self._session(is_bounded=is_bounded) as session:
            return await work(session)
