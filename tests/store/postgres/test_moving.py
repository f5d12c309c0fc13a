"""A store is carried into PostgreSQL, out of it, and from one schema to another."""

import asyncio
import os
import subprocess
import time
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from hookagent.errors import OutsideError
from hookagent.store.base import EventFilter
from hookagent.store.copying import compare
from hookagent.store.moving import Part
from hookagent.store.postgres import PostgresStore, read_address
from hookagent.store.postgres.moving import PostgresMovable
from hookagent.store.sharing import Node
from tests.store.making import event
from tests.store.moves import MovingConformance, Place, both, carry, fill, quiet
from tests.store.postgres.cluster import binaries
from tests.store.test_moving import sqlite_pages, sqlite_place


def postgres_place(url: str) -> Place:
    """Return a store of a schema."""

    @asynccontextmanager
    async def opened():
        store = PostgresStore(read_address(url))
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return Place(store=opened, movable=lambda: PostgresMovable(read_address(url)))


class Pages:
    def pages(self, monkeypatch, *, rows: int, size: int) -> None:
        sqlite_pages(monkeypatch, rows=rows, size=size)
        for module in ("tables", "moving"):
            monkeypatch.setattr(f"hookagent.store.postgres.{module}.PAGE_ROWS", rows)
        monkeypatch.setattr("hookagent.store.postgres.tables.PAGE_BYTES", size)

    @asynccontextmanager
    async def used(self, place: Place):
        """Use a store as an agent does: one that reports itself."""
        async with place.store() as store:
            now = time.time_ns() // 1_000_000
            node = Node(id="n1", name="here", pid=os.getpid(), role="all", version="1", seen_at=now)
            if store.is_shared:
                await store.report(node)
            try:
                yield store
            finally:
                await store.forget_node("n1")


class TestSqliteToPostgres(Pages, MovingConformance):
    @pytest.fixture
    def places(self, tmp_path, url):
        self.folder = tmp_path
        return sqlite_place(tmp_path / "from.db"), postgres_place(url)

    def another(self, _: Place) -> Place:
        return sqlite_place(self.folder / "third.db")

    async def test_a_day_of_events_is_a_slice(self, places, url):
        async with places[0].store() as store:
            for n in range(9):
                await store.accept(event(n, at=1_700_000_000_000 + n * 10 * 3_600_000))
        await carry(places)
        target = PostgresMovable(read_address(url))
        await target.open_target()
        rows = await target._do(
            lambda session: session.fetch(
                "SELECT seq >> 38, count(*) FROM hook.events GROUP BY 1 ORDER BY 1"
            )
        )
        await target.close()
        assert [count for _, count in rows] == [3, 3, 3]
        async with places[1].store() as store:
            pruned = await store.prune(before=1_700_000_000_000 + 9 * 86_400_000, limit=100)
            assert pruned.events == 0  # none is routed
            await store.accept(event(100))


class TestPostgresToSqlite(Pages, MovingConformance):
    @pytest.fixture
    def places(self, tmp_path, url):
        self.folder = tmp_path
        return postgres_place(url), sqlite_place(tmp_path / "to.db")

    def another(self, place: Place) -> Place:
        return sqlite_place(self.folder / "third.db")

    async def test_nobody_writes_into_a_source_that_is_held_still(self, places):
        async with places[0].store() as store:
            await fill(store, events=3)
            async with both(places) as (source, _):
                await source.freeze()
                before = await source.count(Part.EVENTS)
                waiting = store.accept(event(80_000))
                kept = store.keep("x", b"1")
                done, _ = await asyncio.wait([waiting], timeout=0.5)
                assert not done
                assert await source.count(Part.EVENTS) == before
            assert not (await waiting).is_duplicate
            await kept


class TestPostgresToPostgres(Pages):
    async def test_the_password_is_in_no_message(self):
        movable = PostgresMovable(
            read_address("postgresql://me:hunter22@127.0.0.1:1/x?connect_timeout=2")
        )
        assert "hunter22" not in movable.label
        with pytest.raises(OutsideError) as raised:
            await movable.open_target()
        assert "hunter22" not in f"{raised.value} {raised.value.hint}"


async def run(command, **options):
    """Run a program and return what it wrote."""
    done = await asyncio.to_thread(lambda: subprocess.run(command, check=True, **options))
    return done.stdout


async def test_a_dump_restored_elsewhere_is_the_same_and_goes_on(server, url):
    """As docs/scaling.md says of backups: another database may count its transactions anew."""
    address = read_address(url)
    async with postgres_place(url).store() as store:
        await fill(store, events=20)
    name = "restored_" + address.schema
    tools = binaries()
    dumped = await run(
        [tools / "pg_dump", "--no-owner", "--schema", address.schema, server],
        stdout=subprocess.PIPE,
    )
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    elsewhere = urlsplit(server)._replace(path=f"/{name}").geturl()
    try:
        restored = f"{elsewhere}?schema={address.schema}"
        await run(
            ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", elsewhere],
            input=dumped,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        )
        places = (postgres_place(url), postgres_place(restored))
        one, other = (place.movable() for place in places)
        await one.open_source()
        await other.open_source()
        assert await compare(one, other, said=quiet) == []
        await one.close()
        await other.close()
        async with places[1].store() as store:
            newest = (await store.events(EventFilter(limit=1)))[0].seq
            assert not (await store.accept(event(60_000))).is_duplicate
            assert (await store.accept(event(1))).is_duplicate
            assert (await store.events(EventFilter(limit=1)))[0].seq > newest
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
