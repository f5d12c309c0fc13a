from contextlib import asynccontextmanager

import pytest

from hookagent.store.sqlite import SqliteStore
from tests.store.conformance import history

__all__ = ["history"]


def pytest_collection_modifyitems(config, items):
    """Long forms run only when asked for."""
    if config.getoption("--long", default=False):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="a long form: run with --long"))


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
