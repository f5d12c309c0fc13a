"""Each test has a schema of its own in a real database."""

import os
import secrets
from contextlib import asynccontextmanager
from typing import NoReturn

import psycopg
import pytest

from hookagent.store.postgres import PostgresStore, read_address
from tests.store.conformance import history
from tests.store.postgres.cluster import NEEDED, NoServer, any_server, own_cluster

__all__ = ["history"]


def give_up(reason: NoServer) -> NoReturn:
    """Skip a test that needs a server, or fail it where there must be one."""
    if os.environ.get(NEEDED):
        pytest.fail(f"the tests of the PostgreSQL store need one: {reason}")
    pytest.skip(str(reason))


@pytest.fixture(scope="session")
def server():
    """Give the URL of a database."""
    try:
        with any_server() as url:
            yield url
    except NoServer as reason:
        give_up(reason)


@pytest.fixture
def url(server):
    """Give the URL of a schema that is not there yet."""
    schema = f"hookagent_test_{secrets.token_hex(6)}"
    yield f"{server}{'&' if '?' in server else '?'}schema={schema}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@pytest.fixture
def reopen(url):
    """Open the store of this test, as often and as many at once as wanted."""

    @asynccontextmanager
    async def opened(**options):
        store = PostgresStore(read_address(url), **options)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return opened


@pytest.fixture
def cluster():
    """Give a server of our own, to be stopped and started."""
    try:
        with own_cluster() as made:
            yield made
    except NoServer as reason:
        give_up(reason)
