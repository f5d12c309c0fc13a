"""The schema: made by several nodes at once, and left alone where it is not ours."""

import asyncio
import subprocess
import sys

import psycopg
import pytest

from hookagent.errors import OutsideError
from hookagent.store.base import EventFilter, StoreUnavailable
from hookagent.store.migration import Migration
from hookagent.store.postgres import PostgresStore, read_address
from hookagent.store.postgres.schema import migrate, migrations
from hookagent.store.postgres.session import connect
from tests.store.making import event

OPENER = """
import asyncio, sys
from hookagent.store.postgres import PostgresStore, read_address
from tests.store.making import event

async def main(url, n):
    sys.stdin.readline()
    store = PostgresStore(read_address(url))
    await store.open()
    print((await store.accept(event(n))).id)
    await store.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def statement(url, query, *values):
    schema = read_address(url).schema
    with psycopg.connect(url.partition("?")[0], autocommit=True) as connection:
        cursor = connection.execute(query.replace("hook.", f"{schema}."), values)
        return cursor.fetchall() if cursor.description else []


def test_four_processes_may_make_it_at_once(url):
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPENER, url, str(n)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(1, 5)
    ]
    for opener in openers:
        assert opener.stdin
        opener.stdin.write("go\n")
        opener.stdin.flush()
    said = [opener.communicate(timeout=60)[0].strip() for opener in openers]
    assert said == [event(n).id for n in range(1, 5)]
    assert statement(url, "SELECT mark, version FROM hook.meta") == [
        ("hookagent", migrations()[-1].version)
    ]
    assert statement(url, "SELECT count(*) FROM hook.events") == [(4,)]


async def test_a_newer_schema_is_refused_and_left_as_it_is(url, reopen):
    async with reopen():
        pass
    statement(url, "UPDATE hook.meta SET version = 4711")
    with pytest.raises(OutsideError, match="has schema 4711; this hookagent knows up to"):
        async with reopen():
            pass
    assert statement(url, "SELECT version FROM hook.meta") == [(4711,)]


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE hook.invoices (id int)",
        "CREATE TABLE hook.meta (id int)",
        "CREATE TABLE hook.meta (mark text, version int)",
        "CREATE TABLE hook.meta AS SELECT 'other' AS mark, 1 AS version",
    ],
)
async def test_a_schema_of_another_program_is_refused_and_left_as_it_is(url, reopen, made):
    schema = read_address(url).schema
    statement(url, f"CREATE SCHEMA {schema}")
    statement(url, made)
    before = statement(
        url, f"SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace"
    )
    with pytest.raises(OutsideError, match="was not made by hookagent"):
        async with reopen():
            pass
    assert before == statement(
        url, f"SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace"
    )


async def test_an_empty_schema_that_somebody_made_for_us_is_used(url, reopen):
    statement(url, f"CREATE SCHEMA {read_address(url).schema}")
    async with reopen() as store:
        await store.accept(event(1))


async def test_an_older_schema_is_brought_to_today_or_left_whole(url):
    address = read_address(url)
    session = await connect(address)
    steps = migrations()
    try:
        await migrate(session, address, steps)
        broken = Migration(9_001, "broken", "CREATE TABLE hook.half (id int); SELECT nonsense")
        with pytest.raises(psycopg.Error):
            await migrate(session, address, [*steps, broken])
        assert statement(url, "SELECT version FROM hook.meta") == [(steps[-1].version,)]
        more = Migration(
            9_002, "more", "CREATE TABLE hook.half (id int); CREATE TABLE hook.b (id int)"
        )
        await asyncio.gather(*(migrate(session, address, [*steps, more]) for _ in range(1)))
        assert statement(url, "SELECT version FROM hook.meta") == [(9_002,)]
    finally:
        await session.close()


async def test_numbers_go_on_where_the_database_was_copied_into_another_cluster(url, reopen):
    async with reopen() as store:
        statement(url, "UPDATE hook.counters SET value = 5000000 WHERE name = 'shift'")
        await store.accept(event(1))
        (first,) = await store.events(EventFilter())
    statement(url, "UPDATE hook.counters SET value = 0 WHERE name = 'shift'")
    async with reopen() as store:
        await store.accept(event(2))
        newest, _ = await store.events(EventFilter())
        assert newest.id == event(2).id
        assert [one.id for one in await store.events(EventFilter(after=first.seq))] == [newest.id]


@pytest.mark.parametrize("setting", ["off"])
async def test_a_database_that_confirms_what_it_may_lose_is_refused(url, setting):
    with pytest.raises(StoreUnavailable, match="may lose what it confirmed"):
        await PostgresStore(
            read_address(f"{url}&options=-c%20synchronous_commit%3D{setting}")
        ).open()


@pytest.mark.parametrize("apart", [-60_000, 60_000])
async def test_clocks_that_are_far_apart_are_refused(url, reopen, apart):
    from hookagent.store.postgres.session import system_clock

    with pytest.raises(StoreUnavailable, match="60 seconds apart"):
        async with reopen(clock=lambda: system_clock() + apart):
            pass
    async with reopen(clock=lambda: system_clock() + 1_000):
        pass


@pytest.mark.parametrize(
    "wrong",
    ["postgresql://ada:hunter2@127.0.0.1:1/x", "postgresql://ada:hunter2@nowhere.invalid/x"],
)
async def test_a_password_is_in_no_message(wrong):
    with pytest.raises(StoreUnavailable) as refused:
        await PostgresStore(read_address(wrong)).open()
    assert "no connection" in refused.value.message
    assert "hunter2" not in refused.value.message + (refused.value.hint or "")
