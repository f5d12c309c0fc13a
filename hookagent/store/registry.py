"""Which engine a store's URL names. Engines are imported when they are first needed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote_to_bytes

from hookagent.errors import OutsideError, did_you_mean
from hookagent.store.base import REJECTED_MAX, Store
from hookagent.store.moving import Movable

SCHEMES = ("sqlite", "postgresql")
POSTGRES_SCHEMES = ("postgresql", "postgres")


def open_store(
    url: str,
    folder: Path,
    *,
    mode: str = "serve",
    queue_max: int = 4096,
    rejected_max: int = REJECTED_MAX,
) -> Store:
    """Make the store a URL names; `await store.open()` opens it.

    `sqlite:///hookagent.db` is relative to `folder`, `sqlite:////var/lib/hookagent.db` absolute;
    `postgresql://user@host/database?schema=name` is shared by any number of processes. `mode` is
    `serve` (of a file one process at a time) or `tool` (beside it). Raises OutsideError for a URL
    no engine knows, and where the engine's driver is not installed.
    """
    path = _file(url, folder)
    if path is not None:
        from hookagent.store.sqlite import Mode, SqliteStore

        return SqliteStore(path, queue_max=queue_max, rejected_max=rejected_max, mode=Mode(mode))
    with _driver():
        from hookagent.store.postgres import PostgresStore, read_address
    return PostgresStore(read_address(url), queue_max=queue_max, rejected_max=rejected_max)


def open_movable(url: str, folder: Path) -> Movable:
    """Make the store a URL names as the source or the target of a copy; see `open_store`."""
    path = _file(url, folder)
    if path is not None:
        from hookagent.store.sqlite.moving import SqliteMovable

        return SqliteMovable(path)
    with _driver():
        from hookagent.store.postgres import read_address
        from hookagent.store.postgres.moving import PostgresMovable
    return PostgresMovable(read_address(url))


def _file(url: str, folder: Path) -> Path | None:
    """Return the file of a SQLite store, None for a PostgreSQL one. Raises OutsideError."""
    scheme, separator, rest = url.partition("://")
    if scheme == "sqlite" and separator and rest.startswith("/") and len(rest) > 1:
        return folder / os.fsdecode(unquote_to_bytes(rest.removeprefix("/")))
    if scheme in POSTGRES_SCHEMES and separator:
        return None
    raise OutsideError(
        f"no store is known for the URL `{scheme}://…`",
        hint=did_you_mean(scheme, SCHEMES) or "write `sqlite:///.hookagent/hookagent.db`",
    )


@contextmanager
def _driver() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise OutsideError(
            "a `postgresql://` store needs a driver that is not installed",
            hint="pip install 'hookagent[postgres]'",
        ) from error
