"""`sql`: one statement with named parameters, into SQLite or PostgreSQL.

    statement = "INSERT INTO orders (id, total) VALUES (:id, :total) ON CONFLICT (id) DO NOTHING"
    parameters = { id = "{{ order.id }}", total = "{{ order.total }}" }

The statement is literal; values are only ever bound. Each runs in its own transaction. Make it
repeatable (`ON CONFLICT`), or keep `:idempotency_key` in a unique column: it is always there.
"""

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.extra import missing
from hookagent.actions.statement import Statement, StatementError, parse_statement
from hookagent.actions.values import Address, Json
from hookagent.job import Again, Done, Never, Outcome
from hookagent.template import Scope

about = "Run one SQL statement with named parameters in SQLite or PostgreSQL (extra `postgres`)."
leaves = '`{"rows_changed"}`, and `rows` where the statement returns some (at most 100).'
example = """\
action = "sql"
url = "sqlite:///orders.db"
statement = "INSERT INTO orders (id, total) VALUES (:id, :total) ON CONFLICT (id) DO NOTHING"
parameters = { id = "{{ order.id }}", total = "{{ order.total }}" }
"""

ROWS_MAX = 100
"""Kept of what a statement returns."""
OWN = "idempotency_key"
"""The parameter every statement may use without saying so."""
_INT64 = 2**63


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where, and what to run."""

    url: Annotated[
        Address,
        msgspec.Meta(
            description="The database: `sqlite:///PATH` or `postgresql://…`.",
            examples=["sqlite:///orders.db", "${DATABASE_URL}"],
        ),
    ]
    statement: Annotated[
        str,
        msgspec.Meta(description="The statement, literal, with `:name` for each value."),
    ]
    parameters: Annotated[
        dict[str, Json],
        msgspec.Meta(
            description=(
                "The values by name; one insertion alone keeps its type, tables and lists go in "
                "as JSON text."
            ),
        ),
    ] = {}

    def __post_init__(self) -> None:
        if "{{" in self.statement:
            raise ValueError("`statement` is literal; put values into `parameters` as `:name`")
        try:
            used = set(parse_statement(self.statement).names)
        except StatementError as error:
            raise ValueError(str(error)) from None
        for name in sorted(used - {OWN} - set(self.parameters)):
            raise ValueError(f"`:{name}` is not among the `parameters`")
        for name in sorted(set(self.parameters) - used):
            raise ValueError(f"the parameter `{name}` is not used in the statement")
        if not self.url.reveal().startswith(("sqlite:///", "postgresql://", "postgres://", "${")):
            raise ValueError("`url` begins with `sqlite:///` or `postgresql://`")


def starts(options: Mapping[str, Any]) -> str:
    """Return database and statement as written."""
    return f"{options.get('statement', '')} -- in {options.get('url', '')}"


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The statement and its values."""

    url: Address
    statement: str
    parameters: dict[str, Any]


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the values. Raises TemplateError."""
    return Prepared(
        url=options.url,
        statement=options.statement,
        parameters={name: _bound(value.fill(scope)) for name, value in options.parameters.items()},
    )


def _bound(value: Any) -> Any:
    """Return a value a database can bind: JSON for what has parts, text for giant numbers."""
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        return str(value)
    return value


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Run it once, in a transaction of its own."""
    statement = parse_statement(prepared.statement)
    values = {OWN: call.idempotency_key, **prepared.parameters}
    values = {name: values[name] for name in statement.names}
    url = prepared.url.reveal()
    if url.startswith("sqlite:///"):
        path = outside.folder / url.removeprefix("sqlite:///")
        return await asyncio.to_thread(_in_sqlite, path, statement, values, call)
    return await _in_postgres(url, statement, values, call)


def _in_sqlite(path: Path, statement: Statement, values: dict[str, Any], call: Call) -> Outcome:
    try:
        # The file must be there: a mistyped path would otherwise be a new, empty database.
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=call.timeout_ms / 2000,
        )  # fmt: skip
    except sqlite3.OperationalError as error:
        return Never(error=f"the database `{path.name}` cannot be opened: {error}")
    try:
        with connection:
            cursor = connection.execute(statement.for_sqlite, values)
            rows = cursor.fetchmany(ROWS_MAX) if cursor.description else []
            names = [column[0] for column in cursor.description or ()]
            return _done(cursor.rowcount, names, rows)
    except sqlite3.OperationalError as error:
        is_busy = "locked" in str(error) or "busy" in str(error) or "full" in str(error)
        return Again(error=f"SQLite: {error}") if is_busy else Never(error=f"SQLite: {error}")
    except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError) as error:
        return Never(error=f"SQLite: {error}")
    finally:
        connection.close()


async def _in_postgres(
    url: str, statement: Statement, values: dict[str, Any], call: Call,
) -> Outcome:  # fmt: skip
    try:
        import psycopg
    except ImportError:
        return missing("postgres", "psycopg")
    try:
        async with asyncio.timeout(call.timeout_ms / 1000):
            connection = await psycopg.AsyncConnection.connect(url, connect_timeout=10)
            async with connection, connection.cursor() as cursor:
                await cursor.execute(statement.for_postgres.encode(), values)
                rows = await cursor.fetchmany(ROWS_MAX) if cursor.description else []
                names = [column.name for column in cursor.description or ()]
                return _done(cursor.rowcount, names, rows)
    except TimeoutError:
        return Again(error=f"PostgreSQL: no answer within {call.timeout_ms / 1000:g} s")
    except psycopg.Error as error:
        return _sorted(error.sqlstate, str(error))


def _done(count: int, names: list[str], rows: list[Any]) -> Done:
    """Return how many rows changed, and what came back."""
    output: dict[str, Any] = {"rows_changed": max(count, 0)}
    if names:
        output["rows"] = [
            dict(zip(names, map(_plain, row), strict=True)) for row in rows
        ]  # fmt: skip
    return Done(output)


def _plain(value: Any) -> Any:
    """Return a value JSON can hold."""
    return value if value is None or isinstance(value, str | int | float) else str(value)


_PASSING = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that may pass: connection, rollback, resources, state, operator, system."""


def _sorted(state: str | None, said: str) -> Outcome:
    error = f"PostgreSQL: {said.strip().splitlines()[0] if said.strip() else state}"
    if state is None or state.startswith(_PASSING):
        return Again(error=error)
    return Never(error=error)
