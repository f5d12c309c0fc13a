"""Migrations: numbered, once, after a copy; foreign and newer databases are left alone."""

import sqlite3
import stat

import pytest

from hookagent.errors import OutsideError
from hookagent.store.base import EventFilter
from hookagent.store.migration import Migration
from hookagent.store.sqlite.connection import APPLICATION_ID, Purpose, connect, pragma
from hookagent.store.sqlite.schema import migrate, migrations, statements
from tests.store.making import event


def test_migrations_are_numbered_from_one_without_gap():
    assert [step.version for step in migrations()] == list(range(1, len(migrations()) + 1))


async def test_a_new_database_says_what_it_is(reopen, path):
    async with reopen():
        pass
    with sqlite3.connect(path) as connection:
        assert pragma(connection, "application_id") == APPLICATION_ID
        assert pragma(connection, "user_version") == migrations()[-1].version
    connection.close()


async def test_a_newer_schema_is_refused_and_untouched(reopen, path):
    async with reopen():
        pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=999")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(OutsideError, match="schema 999") as refused:
        async with reopen():
            pass
    assert "newer hookagent" in (refused.value.hint or "")
    assert path.read_bytes() == before


async def test_the_database_of_another_program_is_refused_and_untouched(reopen, path):
    path.parent.mkdir(mode=0o700)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cookies (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(OutsideError, match="not made by hookagent"):
        async with reopen():
            pass


async def test_an_older_schema_is_migrated_after_a_copy(reopen, path):
    async with reopen() as store:
        await store.accept(event(1))
    later = Migration(len(migrations()) + 1, "mark", "ALTER TABLE events ADD COLUMN mark TEXT;")
    connection = connect(path, Purpose.WRITE)
    copy = migrate(connection, path, [*migrations(), later])
    assert copy is not None
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert connection.execute("SELECT id, mark FROM events").fetchall() == [(event(1).id, None)]
    assert migrate(connection, path, [*migrations(), later]) is None
    connection.close()
    copy.replace(path)
    async with reopen() as store:
        assert len(await store.events(EventFilter())) == 1


async def test_a_failed_migration_changes_nothing(reopen, path):
    async with reopen():
        pass
    broken = Migration(
        len(migrations()) + 1, "broken", "CREATE TABLE half (a);\nINSERT INTO nowhere VALUES (1);"
    )
    connection = connect(path, Purpose.WRITE)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, path, [*migrations(), broken])
    assert pragma(connection, "user_version") == len(migrations())
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchall()
    connection.close()


def test_a_script_is_split_into_statements():
    assert statements("-- a; b\nCREATE TABLE x (\n a TEXT -- ;\n);\nSELECT ';';\n\n-- end\n") == [
        "-- a; b\nCREATE TABLE x (\n a TEXT -- ;\n);",
        "SELECT ';';",
    ]
