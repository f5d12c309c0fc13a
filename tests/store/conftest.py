from contextlib import asynccontextmanager

import pytest

from hookagent.store.sqlite import SqliteStore
from tests.store.conformance import history

__all__ = ["history"]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store" / "hookagent.db"


@pytest.fixture
def reopen(path):
    """Open the SQLite store of this test, as often as wanted."""

    @asynccontextmanager
    async def opened(**options):
        store = SqliteStore(path, **options)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return opened


@pytest.fixture
async def store(reopen):
    async with reopen() as store:
        yield store
