"""A disk that fails: nothing is promised, and all is well again once the disk is."""

import asyncio
import errno
import resource
import signal
import sqlite3
import threading

import pytest

from hookagent.errors import OutsideError
from hookagent.store.base import EventFilter, StoreFull, StoreUnavailable
from hookagent.store.sqlite import SqliteStore, salvage
from hookagent.store.sqlite.connection import PAGE_BYTES
from hookagent.store.sqlite.trouble import unavailable
from tests.patience import PATIENCE_S
from tests.store.making import event, refusal


@pytest.fixture
def limited_files():
    """Give a function that bounds the size of every file this process writes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def bound(size: int | None) -> None:
        soft = before[0] if size is None else size
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, before[1]))

    yield bound
    bound(None)
    signal.signal(signal.SIGXFSZ, ignored)


async def test_t20_a_full_disk_refuses_and_heals_by_itself(store, path, limited_files):
    await store.accept(event(1))
    limited_files(path.with_name(path.name + "-wal").stat().st_size)
    refused = [store.accept(event(n, body=b"x" * 50_000)) for n in range(2, 20)]
    answers = await asyncio.gather(*refused, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    with pytest.raises(StoreUnavailable):
        await store.keep("name", b"x" * 2_000_000)
    limited_files(None)
    assert not (await store.accept(event(2))).is_duplicate
    assert not (await store.accept(event(3))).is_duplicate
    assert (await store.accept(event(1))).is_duplicate
    assert len(await store.events(EventFilter())) == 3


async def test_t20_a_database_locked_by_another_program_refuses_and_heals(store, path, monkeypatch):
    await store.keep("settings", b"quick")
    await store._writer.do(
        lambda with_: with_.connection.execute("PRAGMA busy_timeout=50").fetchall()
    )
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.accept(event(1))
    assert await store.events(EventFilter()) == []
    other.execute("ROLLBACK")
    other.close()
    assert not (await store.accept(event(1))).is_duplicate


async def test_a_mistake_in_one_piece_of_work_fails_that_piece_alone(store):
    def wrong(transaction):
        transaction.connection.execute("INSERT INTO kept VALUES ('half', x'00')")
        raise ValueError("wrong")

    futures = [store.accept(event(1)), store._writer.do(wrong), store.accept(event(2))]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(answers[1], ValueError)
    assert len(await store.events(EventFilter())) == 2
    assert await store.kept("half") is None


async def test_beyond_its_bound_the_queue_refuses_at_once_and_loses_nothing(reopen):
    async with reopen(queue_max=5) as store:
        gate = threading.Event()
        held = store._writer.do(lambda _: gate.wait())
        async with asyncio.timeout(PATIENCE_S):
            while store.waiting:  # noqa: ASYNC110 - a thread takes it
                await asyncio.sleep(0.001)
        taken = [store.accept(event(n)) for n in range(5)]
        with pytest.raises(StoreFull):
            store.accept(event(9))
        gate.set()
        assert len(await asyncio.gather(*taken)) == 5
        await held


@pytest.mark.parametrize("garbage", [b"not a database, but long enough to be read as one " * 200])
async def test_t20_a_file_that_is_no_database_is_refused_with_the_way_out(path, garbage):
    path.parent.mkdir(mode=0o700)
    path.write_bytes(garbage)
    with pytest.raises(OutsideError, match="no SQLite database") as refused:
        await SqliteStore(path).open()
    assert "doctor --salvage" in (refused.value.hint or "")
    assert path.read_bytes() == garbage
    with pytest.raises(OutsideError, match="nothing can be read"):
        salvage(path, path.with_name("saved.db"))


async def fill(reopen, count):
    async with reopen() as store:
        await asyncio.gather(
            *(store.accept(event(n, body=b"%d " % n + b"x" * 700)) for n in range(1, count + 1))
        )


@pytest.mark.parametrize("beyond", [0, 2_048])  # bytes after the last whole page
async def test_t20_a_truncated_database_is_refused_and_salvaged(reopen, path, beyond):
    await fill(reopen, 2_000)
    pages = path.stat().st_size // PAGE_BYTES
    with path.open("r+b") as file:
        file.truncate(pages // 2 * PAGE_BYTES + beyond)
    with pytest.raises(OutsideError, match="damaged") as refused:
        await SqliteStore(path).open()
    assert "doctor --salvage" in (refused.value.hint or "")
    report = salvage(path, path.with_name("saved.db"))
    assert report.events > 500
    assert report.events + report.unreadable >= 2_000
    saved = SqliteStore(path.with_name("saved.db"))
    await saved.open()
    assert await saved.check() == []
    found = await saved.events(EventFilter(limit=5_000))
    assert len(found) == report.events
    for one in found[::100]:
        record = await saved.event(one.id)
        assert record is not None
        assert record.event == event(one.seq, body=b"%d " % one.seq + b"x" * 700)
    assert (await saved.accept(event(found[0].seq))).is_duplicate
    await saved.close()


@pytest.mark.parametrize("size", [PAGE_BYTES, PAGE_BYTES // 2])  # bytes: a page, a disk's block
async def test_t20_one_overwritten_page_costs_the_events_on_it_only(reopen, path, size):
    await fill(reopen, 2_000)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    at = content.index(b"1000 xxxx") // size * size
    content[at : at + size] = b"\x5a" * size
    path.write_bytes(content)
    report = salvage(path, path.with_name("saved.db"))
    assert 0 < report.unreadable < 20
    assert report.events == 2_000 - report.unreadable
    assert report.unrouted == report.events


async def test_what_was_counted_of_each_source_is_salvaged_as_its_own(reopen, path):
    async with reopen() as store:
        store.reject(refusal(1, source="other"))  # the first to have an id, and without events
        await store.keep("any", b"")
        await store.accept(event(2))
        before, minutes = await store.stats(since=0), await store.activity(since=0)
        assert [one.source for one in minutes] == ["github", "other"]
    salvage(path, path.with_name("saved.db"))
    saved = SqliteStore(path.with_name("saved.db"))
    await saved.open()
    assert (await saved.stats(since=0)).sources == before.sources
    assert await saved.activity(since=0) == minutes
    await saved.close()


async def test_salvage_never_writes_over_a_file(reopen, path):
    await fill(reopen, 2)
    with pytest.raises(OutsideError, match="exists already"):
        salvage(path, path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("SQLITE_FULL", "full"),
        ("SQLITE_READONLY_DIRECTORY", "cannot be written"),
        ("SQLITE_IOERR_WRITE", "disk failed"),
        ("SQLITE_CORRUPT_VTAB", "damaged"),
        ("SQLITE_BUSY_SNAPSHOT", "locked"),
        ("SQLITE_CANTOPEN", "cannot be opened"),
    ],
)
def test_every_error_of_the_disk_becomes_a_sentence(path, name, sentence):
    error = sqlite3.OperationalError("cryptic")
    error.sqlite_errorname = name
    assert sentence in unavailable(error, path).message


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "full"),
        (errno.EROFS, "cannot be written"),
        (errno.EIO, "disk failed"),
        (errno.EACCES, "mode forbids"),
    ],
)
def test_errors_of_the_system_are_said_as_sqlite_s_are(path, number, sentence):
    assert sentence in unavailable(OSError(number, "cryptic"), path).message
