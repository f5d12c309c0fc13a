"""Adapter: values are bound, never written into SQL; SQLite always, PostgreSQL where it runs."""

import secrets
import sqlite3

import pytest

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Done, Never
from tests.actions.conftest import act, call_of
from tests.actions.services import needs

POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


@pytest.fixture
def database(outside):
    path = outside.folder / "orders.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, total REAL, note TEXT)")
    connection.close()
    return path


def rows(path, sql="SELECT * FROM orders ORDER BY id"):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


INSERT = (
    "INSERT INTO orders VALUES (:id, :total, :note) ON CONFLICT (id) DO UPDATE SET total = :total"
)
PARAMETERS = {"id": "{{ id }}", "total": "{{ total }}", "note": "{{ note | default('') }}"}


async def test_values_are_bound_with_their_types_and_an_upsert_repeats(outside, database):
    options = {"url": "sqlite:///orders.db", "statement": INSERT, "parameters": PARAMETERS}
    hostile = "'); DROP TABLE orders; --"

    one = await act("sql", options, outside, {"id": "a", "total": 1.5, "note": hostile})
    two = await act("sql", options, outside, {"id": "a", "total": 2.5, "note": "other"})

    assert one == two == Done({"rows_changed": 1})
    assert rows(database) == [("a", 2.5, hostile)]


async def test_tables_and_lists_go_in_as_json_and_giant_numbers_as_text(outside, database):
    options = {
        "url": "sqlite:///orders.db",
        "statement": "INSERT INTO orders (id, note) VALUES (:id, :note)",
        "parameters": {"id": "{{ big }}", "note": "{{ parts }}"},
    }
    await act("sql", options, outside, {"big": 2**70, "parts": [{"n": None}]})

    assert rows(database, "SELECT id, note FROM orders") == [(str(2**70), '[{"n":null}]')]


async def test_what_comes_back_is_kept(outside, database):
    options = {
        "url": "sqlite:///orders.db",
        "statement": "INSERT INTO orders (id) VALUES (:idempotency_key) RETURNING id, total",
    }

    outcome = await act("sql", options, outside)

    assert isinstance(outcome, Done)
    assert outcome.output["rows"] == [{"id": "run_1-0", "total": None}]
    assert rows(database) == [("run_1-0", None, None)]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("INSERT INTO nowhere VALUES (1)", "no such table"),
        ("INSERT INTO orders (id) VALUES ('a'), ('a')", "UNIQUE"),
        ("INSERT nonsense", "syntax"),
    ],
)
async def test_a_statement_that_is_wrong_is_for_good(outside, database, statement, message):
    outcome = await act("sql", {"url": "sqlite:///orders.db", "statement": statement}, outside)

    assert isinstance(outcome, Never)
    assert message in outcome.error
    assert rows(database) == []


async def test_a_locked_database_is_tried_again(outside, database):
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        outcome = await act(
            "sql",
            {"url": "sqlite:///orders.db", "statement": "INSERT INTO orders (id) VALUES ('a')"},
            outside,
            call=call_of(timeout_ms=200),
        )
    finally:
        connection.close()

    assert isinstance(outcome, Again)
    assert "locked" in outcome.error


async def test_a_mistyped_path_makes_no_new_database(outside):
    outcome = await act("sql", {"url": "sqlite:///typo.db", "statement": "SELECT 1"}, outside)

    assert isinstance(outcome, Never)
    assert list(outside.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"statement": "SELECT {{ a }}"}, "literal"),
        ({"statement": "SELECT :a"}, "`:a` is not among"),
        ({"statement": "SELECT 1", "parameters": {"a": 1}}, "`a` is not used"),
        ({"statement": "SELECT 1; SELECT 2"}, "one statement"),
        ({"statement": "SELECT 1", "url": "mysql://x"}, "begins with"),
    ],
)
def test_statements_that_cannot_be_are_problems(options, message):
    with pytest.raises(ConfigError, match=message):
        bind("sql", {"url": "sqlite:///x.db", **options}, Environment({}))


@pytest.fixture
async def table():
    import psycopg

    name = f"hookagent_test_{secrets.token_hex(4)}"
    async with await psycopg.AsyncConnection.connect(POSTGRES, autocommit=True) as connection:
        await connection.execute(
            f"CREATE TABLE {name} (id text PRIMARY KEY, total numeric, at timestamptz, note jsonb)"
        )
        yield name
        await connection.execute(f"DROP TABLE {name}")


@needs("PostgreSQL", 5432)
async def test_postgres_takes_the_same_statement(outside, table):
    options = {
        "url": POSTGRES,
        "statement": (
            f"INSERT INTO {table} VALUES (:id, :total, :at::timestamptz, :note::jsonb) "
            "ON CONFLICT (id) DO UPDATE SET total = EXCLUDED.total RETURNING id, total, note->>'k' AS k"
        ),
        "parameters": {
            "id": "{{ id }}",
            "total": "{{ total }}",
            "at": "{{ @received_at }}",
            "note": "{{ note }}",
        },
    }
    payload = {"id": "'); DROP TABLE x; --%s", "total": 12.5, "note": {"k": "100%"}}

    outcome = await act("sql", options, outside, payload)

    assert outcome == Done(
        {"rows_changed": 1, "rows": [{"id": payload["id"], "total": "12.5", "k": "100%"}]}
    )


@needs("PostgreSQL", 5432)
async def test_postgres_errors_are_sorted_by_their_class(outside, table):
    missing = await act(
        "sql", {"url": POSTGRES, "statement": "SELECT * FROM nowhere_at_all"}, outside
    )
    slow = await act(
        "sql",
        {"url": POSTGRES, "statement": "SELECT pg_sleep(30)"},
        outside,
        call=call_of(timeout_ms=300),
    )

    assert isinstance(missing, Never)
    assert "nowhere_at_all" in missing.error
    assert isinstance(slow, Again)


async def test_a_postgres_that_is_not_there_is_tried_again(outside):
    url = "postgresql://u:s3cr3t-t0ken@127.0.0.1:1/x"

    outcome = await act("sql", {"url": url, "statement": "SELECT 1"}, outside)

    assert isinstance(outcome, Again)
    assert "s3cr3t" not in outcome.error
