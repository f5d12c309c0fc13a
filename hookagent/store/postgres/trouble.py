"""What PostgreSQL's errors mean to a person: one sentence and what to do.

SQLSTATE codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import psycopg

from hookagent.store.base import StoreUnavailable

_SENTENCES: tuple[tuple[str, str, str | None], ...] = (
    ("53100", "the disk is full", "make room; it goes on by itself"),
    ("53300", "it has no connection left", "raise `max_connections`, or use a pooler"),
    ("53", "it is out of resources", None),
    ("25006", "it takes no writes", "name the primary, or several hosts: a standby cannot be used"),
    ("28", "it does not let this user in", "check user, password and `pg_hba.conf`"),
    ("3D000", "there is no such database", "create it: `createdb NAME`"),
    ("42501", "a right is missing", "this user must own the schema, or may create one"),
    (
        "42P05",
        "its pooler mixes up prepared statements",
        "leave `prepare=yes` out of the URL, or set `max_prepared_statements` (PgBouncer 1.21)",
    ),
    (
        "26000",
        "its pooler lost a prepared statement",
        "leave `prepare=yes` out of the URL, or set `max_prepared_statements` (PgBouncer 1.21)",
    ),
    (
        "08P01",
        "it, or a pooler before it, does not take what we send",
        "a pooler must pool sessions or transactions (`pool_mode`), not statements",
    ),
    ("57P", "it is shutting down or starting", "it goes on by itself"),
    ("57014", "a statement was cancelled", None),
    ("58", "it could not read or write its files", "see its log"),
    ("XX", "it reports damage or a bug", "see its log"),
)

TRANSIENT = ("40001", "40P01", "55P03")
"""Serialization failure, deadlock, lock not available: the same again may well succeed."""


def unavailable(error: BaseException, label: str) -> StoreUnavailable:
    """Turn an error into a sentence about this store; never with what the connection was told."""
    if isinstance(error, StoreUnavailable):
        return StoreUnavailable(error.message, hint=error.hint)
    code = sqlstate(error)
    for beginning, sentence, hint in _SENTENCES:
        if code.startswith(beginning):
            return StoreUnavailable(f"the store `{label}` is unavailable: {sentence}", hint=hint)
    if isinstance(error, TimeoutError):
        sentence = "it did not answer in time"
    elif not code and isinstance(
        error, psycopg.OperationalError | psycopg.InterfaceError | OSError
    ):
        sentence = f"no connection ({_first_line(error)})" if str(error) else "no connection"
    else:
        sentence = f"{type(error).__name__} {code}: {_first_line(error)}"
    return StoreUnavailable(
        f"the store `{label}` is unavailable: {sentence}",
        hint="check that the database runs and can be reached from here",
    )


def sqlstate(error: BaseException) -> str:
    """Return an error's SQLSTATE, or an empty string."""
    return getattr(error, "sqlstate", None) or ""


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
