"""A store of SQLite is carried into another one whole."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.store.moving import Digest, Part
from hookagent.store.sqlite import SqliteStore
from hookagent.store.sqlite.moving import SqliteMovable
from tests.patience import PATIENCE_S
from tests.store.moves import MovingConformance, Place


def sqlite_place(path) -> Place:
    """Return a store of a file."""

    @asynccontextmanager
    async def opened():
        store = SqliteStore(path)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return Place(store=opened, movable=lambda: SqliteMovable(path))


def sqlite_pages(monkeypatch, *, rows: int, size: int) -> None:
    """Let pages be small."""
    for module in ("tables", "carrying"):
        monkeypatch.setattr(f"hookagent.store.sqlite.{module}.PAGE_ROWS", rows)
    monkeypatch.setattr("hookagent.store.sqlite.tables.PAGE_BYTES", size)
    monkeypatch.setattr("hookagent.store.sqlite.carrying.GENERATION", 3 * rows)


class TestSqliteToSqlite(MovingConformance):
    pages = staticmethod(sqlite_pages)

    @pytest.fixture
    def places(self, tmp_path):
        self.folder = tmp_path
        return sqlite_place(tmp_path / "from.db"), sqlite_place(tmp_path / "to.db")

    def another(self, _: Place) -> Place:
        return sqlite_place(self.folder / "third.db")

    def used(self, place: Place):
        return place.store()


async def test_a_read_that_is_cancelled_ends_before_the_connection_is_closed(tmp_path, monkeypatch):
    began, outcome = threading.Event(), []

    def slow(connection, *_):
        began.set()
        time.sleep(0.2)
        outcome.append(connection.execute("SELECT 1").fetchone())

    monkeypatch.setattr("hookagent.store.sqlite.moving.page_of", slow)
    store = SqliteMovable(tmp_path / "one.db")
    await store.open_target()
    reading = asyncio.ensure_future(store.export(Part.KEPT, after=None))
    await asyncio.to_thread(began.wait, PATIENCE_S)
    reading.cancel()
    await store.close()

    assert outcome == [(1,)]
    assert reading.cancelled()


@given(st.lists(st.tuples(st.text(), st.integers(0, 9), st.binary())), st.randoms())
def test_a_digest_goes_by_the_rows_and_not_by_their_order(rows, chance):
    whole = Digest()
    whole.add(rows)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    by_parts = Digest()
    for row in shuffled:
        by_parts.add([row])
    assert whole == by_parts
    assert str(whole) == str(by_parts)
    by_parts.remove(rows)
    assert by_parts == Digest()
    whole.add([("one", 1, b"more")])
    assert whole.value != by_parts.value
