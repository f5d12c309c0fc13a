"""A queue before a few connections; whatever waits when one is free shares one commit.

Nothing is delayed to make a batch bigger: while one commit is under way the next batch gathers by
itself. A batch that failed fails for all who were in it, with StoreUnavailable, whether or not its
commit went through: nothing was promised, and what is tried again finds what is there. A connection
that was lost is made anew, with growing pauses; until then whoever comes hears so at once.
"""

import asyncio
import contextlib
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import psycopg

from hookagent.store.base import StoreFull, StoreUnavailable
from hookagent.store.postgres.session import Session, is_connection_lost
from hookagent.store.postgres.trouble import TRANSIENT, sqlstate, unavailable

BATCH_MAX = 512
"""Entries in one commit; sequence numbers allow for 1,024."""
ANSWER_S = 30.0
"""A commit that takes longer is given up, and its connection with it."""
ATTEMPTS = 5
"""So often a batch is tried that met another transaction in its way."""
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
"""Between attempts to connect."""

Item = TypeVar("Item")
Write = Callable[[Session, Sequence[Item]], Awaitable[Sequence[Any]]]
"""Writes a batch in one commit; returns an answer for each, which may be an exception."""
Connect = Callable[[], Awaitable[Session]]


class Lane(Generic[Item]):
    """One queue and the connections that work it off."""

    def __init__(
        self, connect: Connect, write: Write[Item], *, label: str, width: int, queue_max: int = 0
    ) -> None:
        self._connect = connect
        self._write = write
        self._label = label
        self._width = width
        self._queue_max = queue_max
        self._queue: deque[tuple[Item, asyncio.Future[Any]]] = deque()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._up = 0
        self._trouble: StoreUnavailable | None = None
        self._is_closing = False

    def put(self, item: Item) -> "asyncio.Future[Any]":
        """Queue an item; its answer comes after the commit, or at once without a connection.

        Raises StoreFull where the queue has a bound and is at it.
        """
        if self._queue_max and len(self._queue) >= self._queue_max:
            raise StoreFull(
                f"the store `{self._label}` has {self._queue_max} writes waiting",
                hint="the database is slower than what arrives; senders try again later",
            )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._trouble is not None:
            _resolve(future, unavailable(self._trouble, self._label))
            return future
        if not self._tasks:
            self._start()
        self._queue.append((item, future))
        self._news.set()
        return future

    @property
    def waiting(self) -> int:
        """How many entries wait."""
        return len(self._queue)

    async def close(self) -> None:
        """Write what is queued, if there is a connection, and let go."""
        self._is_closing = True
        self._news.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ANSWER_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fail_all(StoreUnavailable(f"the store `{self._label}` was closed"))

    def _start(self) -> None:
        create = asyncio.get_running_loop().create_task
        self._tasks = [create(self._serve(), name="store-writer") for _ in range(self._width)]

    async def _serve(self) -> None:
        pause = 0.0
        while not (self._is_closing and (not self._queue or self._trouble)):
            try:
                session = await self._connect()
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear it
                self._is_down(error)
                pause = min(max(2 * pause, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                await asyncio.sleep(pause)
                continue
            pause = 0.0
            self._up += 1
            self._trouble = None
            try:
                await self._work(session)
            finally:
                self._up -= 1
                with contextlib.suppress(psycopg.Error, OSError):
                    await session.close()

    def _is_down(self, error: BaseException) -> None:
        if not self._up:
            self._trouble = unavailable(error, self._label)
            self._fail_all(self._trouble)

    async def _work(self, session: Session) -> None:
        """Write batches until the connection is lost or the lane closes."""
        while not session.is_broken:
            if not self._queue:
                if self._is_closing:
                    return
                self._news.clear()
                await self._news.wait()
                continue
            size = min(len(self._queue), BATCH_MAX)
            batch = [self._queue.popleft() for _ in range(size)]
            watch = asyncio.get_running_loop().call_later(ANSWER_S, session.abandon)
            try:
                answers = await self._written(session, [item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever failed, those who wait must hear it
                self._fail(batch, unavailable(error, self._label))
                if is_connection_lost(error, session):
                    return
            except BaseException:
                self._fail(batch, StoreUnavailable(f"the store `{self._label}` was closed"))
                raise
            else:
                for (_, future), answer in zip(batch, answers, strict=True):
                    _resolve(future, answer)
            finally:
                watch.cancel()

    async def _written(self, session: Session, items: Sequence[Item]) -> Sequence[Any]:
        """Write a batch; where something in it is at fault, each by itself."""
        try:
            return await _persistently(self._write, session, items)
        except Exception as error:
            if len(items) == 1 or is_connection_lost(error, session) or not _is_data_error(error):
                raise
        answers: list[Any] = []
        for item in items:
            try:
                answers += await _persistently(self._write, session, [item])
            except Exception as error:
                if is_connection_lost(error, session) or not _is_data_error(error):
                    raise
                answers.append(unavailable(error, self._label))
        return answers

    def _fail_all(self, error: StoreUnavailable) -> None:
        batch = list(self._queue)
        self._queue.clear()
        self._fail(batch, error)

    @staticmethod
    def _fail(batch: Sequence[tuple[Item, "asyncio.Future[Any]"]], error: StoreUnavailable) -> None:
        for _, future in batch:
            _resolve(future, StoreUnavailable(error.message, hint=error.hint))


async def _persistently(
    write: Write[Item], session: Session, items: Sequence[Item]
) -> Sequence[Any]:
    for _ in range(ATTEMPTS - 1):
        try:
            return await write(session, items)
        except psycopg.Error as error:
            if sqlstate(error) not in TRANSIENT:
                raise
    return await write(session, items)


def _is_data_error(error: Exception) -> bool:
    """Tell whether an error lies in what was written: its class is 21, 22, 23 or 54, or ours."""
    if isinstance(error, psycopg.Error):
        return sqlstate(error)[:2] in {"21", "22", "23", "54"}
    return isinstance(error, ValueError | ArithmeticError | struct.error)


def _resolve(future: "asyncio.Future[Any]", answer: Any) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
        future.exception()  # whoever asked may have gone: that is no mistake
    else:
        future.set_result(answer)
