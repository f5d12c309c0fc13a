"""One thread owns the write connection; whatever waits when it looks shares one commit.

Nothing is delayed to make a batch bigger: while one commit reaches the disk the next batch gathers
by itself. A failed batch fails for all who were in it, with StoreUnavailable, and the thread goes
on; a connection the failure may have hurt is opened anew.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from hookagent.event import Event
from hookagent.store.base import REJECTED_MAX, Accepted, Rejected, StoreFull, StoreUnavailable
from hookagent.store.sqlite.checkpoint import empty_log
from hookagent.store.sqlite.connection import Purpose, connect
from hookagent.store.sqlite.intake import Arrival, Intake
from hookagent.store.sqlite.names import Names
from hookagent.store.sqlite.trouble import STAYS_USABLE, error_name, unavailable

BATCH_MAX = 512
"""Rows in one commit: beyond this the last of a batch would wait noticeably for the first."""
REFUSALS_WAITING_MAX = 100
"""A flood of refused deliveries costs no more than so many rows a commit."""

Work = Callable[["Transaction"], Any]
"""Something to do within the transaction; what it returns is the answer after the commit."""
_Item = tuple[Arrival | Work | None, "asyncio.Future[Any] | None"]


class Transaction:
    """What work within a transaction needs."""

    __slots__ = ("connection", "intake", "names", "reported")

    def __init__(self, connection: sqlite3.Connection, rejected_max: int = REJECTED_MAX) -> None:
        self.connection = connection
        self.names = Names(connection)
        self.intake = Intake(connection, self.names, rejected_max)
        self.reported = connection.total_changes

    def rolled_back(self) -> None:
        """Nothing remembered may be relied on."""
        self.names.forget()
        self.intake.rolled_back()


class Writer:
    """The queue before the thread, and the thread."""

    def __init__(
        self,
        path: Path,
        *,
        queue_max: int,
        wrote: Callable[[int], None],
        rejected_max: int = REJECTED_MAX,
    ) -> None:
        self._path = path
        self._rejected_max = rejected_max
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._queue_max = queue_max
        self._refusals: deque[Rejected] = deque(maxlen=REFUSALS_WAITING_MAX)
        self._wrote = wrote
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transaction: Transaction | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self.commit_lock = threading.Lock()
        """Held during each transaction; a checkpoint takes it to finish without a writer."""

    def start(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Hand the connection to the thread; answers go to this loop."""
        self._loop = loop
        self._transaction = Transaction(connection, self._rejected_max)
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, close the connection and end the thread; blocks until then."""
        if self._thread.is_alive():
            self._queue.put((None, None))
            self._thread.join()

    def accept(
        self, event: Event, *, owner: str = "", lease_until: int = 0, is_quiet: bool = False
    ) -> "asyncio.Future[Accepted]":
        """Queue an event. Raises StoreFull when the queue is at its bound."""
        queue = self._queue
        if queue.qsize() >= self._queue_max:
            raise StoreFull(
                f"the store `{self._path}` has {self._queue_max} writes waiting",
                hint="the disk is slower than what arrives; senders try again later",
            )
        assert self._loop is not None, "the store is not open"
        future: asyncio.Future[Accepted] = self._loop.create_future()
        queue.put((Arrival(event, owner, lease_until, is_quiet), future))
        return future

    def reject(self, rejected: Rejected) -> None:
        """Queue a refusal; under a flood the oldest waiting one gives way."""
        self._refusals.append(rejected)
        if self._queue.qsize() == 0:
            self._queue.put((_nothing, None))

    def do(self, work: Work) -> "asyncio.Future[Any]":
        """Queue work for a transaction: never refused, as it finishes what was accepted."""
        assert self._loop is not None, "the store is not open"
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queue.put((work, future))
        return future

    @property
    def waiting(self) -> int:
        """How many writes wait in the queue."""
        return self._queue.qsize()

    def _run(self) -> None:
        queue = self._queue
        is_open = True
        while is_open:
            batch = [queue.get()]
            batch += [queue.get() for _ in range(min(queue.qsize(), BATCH_MAX - 1))]
            if any(item is None for item, _ in batch):
                is_open = False
                batch = [entry for entry in batch if entry[0] is not None]
            self._commit(batch)
        if self._transaction is not None:
            self._transaction.connection.close()

    def _commit(self, batch: list[_Item]) -> None:
        refusals = [self._refusals.popleft() for _ in range(len(self._refusals))]
        if not batch and not refusals:
            return
        try:
            with self.commit_lock:
                answers = self._write(batch, refusals)
        except Exception as error:  # noqa: BLE001 - whatever failed, those who wait must hear it
            self._recover(error)
            self._answer([(future, unavailable(error, self._path)) for _, future in batch])
        else:
            self._answer(answers)
            self._report()

    def _report(self) -> None:
        """Say how many rows were changed since the last report."""
        assert self._transaction is not None
        changes = self._transaction.connection.total_changes
        self._wrote(changes - self._transaction.reported)
        self._transaction.reported = changes

    def _write(
        self, batch: list[_Item], refusals: list[Rejected]
    ) -> list[tuple["asyncio.Future[Any] | None", Any]]:
        transaction = self._reopened()
        connection = transaction.connection
        connection.execute("BEGIN IMMEDIATE")
        transaction.intake.begin()
        arrivals = [entry for entry in batch if isinstance(entry[0], Arrival)]
        answers: list[tuple[asyncio.Future[Any] | None, Any]] = []
        if arrivals:
            accepted = transaction.intake.accept([arrival for arrival, _ in arrivals])  # type: ignore[misc] # arrivals, as just sorted out
            answers += zip((future for _, future in arrivals), accepted, strict=True)
        if refusals:
            transaction.intake.reject(refusals)
        for item, future in batch:
            if not isinstance(item, Arrival):
                assert item is not None
                answers.append((future, _attempt(item, transaction)))
        connection.execute("COMMIT")
        transaction.intake.committed()
        return answers

    def _reopened(self) -> Transaction:
        """Return the transaction's connection; a new one is used once the log is sound."""
        if self._transaction is None:
            connection = connect(self._path, Purpose.WRITE)
            try:
                is_sound = empty_log(connection)
            except sqlite3.Error:
                connection.close()
                raise
            if not is_sound:
                connection.close()
                raise StoreUnavailable(
                    f"the store `{self._path}` is unavailable: its log is being read",
                    hint="the disk failed before, and the log is begun anew once nobody reads it",
                )
            self._transaction = Transaction(connection, self._rejected_max)
        return self._transaction

    def _recover(self, error: Exception) -> None:
        transaction = self._transaction
        if transaction is None:
            return
        with contextlib.suppress(sqlite3.Error):
            if transaction.connection.in_transaction:
                transaction.connection.execute("ROLLBACK")
        transaction.rolled_back()
        if isinstance(error, sqlite3.Error) and not error_name(error).startswith(STAYS_USABLE):
            with contextlib.suppress(sqlite3.Error):
                transaction.connection.close()
            self._transaction = None

    def _answer(self, answers: list[tuple["asyncio.Future[Any] | None", Any]]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_resolve, answers)


def _attempt(work: Work, transaction: Transaction) -> Any:
    """Do one piece of work; a mistake in it must not fail the others in the batch."""
    connection = transaction.connection
    connection.execute("SAVEPOINT work")
    try:
        answer = work(transaction)
    except (sqlite3.OperationalError, sqlite3.DatabaseError) as error:
        if not isinstance(error, sqlite3.IntegrityError):
            raise
        answer = error
    except Exception as error:  # noqa: BLE001 - goes to the one who asked
        answer = error
    if isinstance(answer, Exception):
        connection.execute("ROLLBACK TO work")
        transaction.names.forget()
    connection.execute("RELEASE work")
    return answer


def _nothing(_: Transaction) -> None:
    """Wake the writer for what waits beside the queue."""


def _resolve(answers: list[tuple["asyncio.Future[Any] | None", Any]]) -> None:
    for future, answer in answers:
        if future is None or future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
