"""Which engine a store's URL names. Engines are imported when they are first needed."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes

from hookagent.errors import OutsideError, did_you_mean
from hookagent.store.base import Store

SCHEMES = ("sqlite",)


def open_store(url: str, folder: Path, *, mode: str = "serve", queue_max: int = 4096) -> Store:
    """Make the store a URL names; `await store.open()` opens it.

    `sqlite:///hookagent.db` is relative to `folder`, `sqlite:////var/lib/hookagent.db` absolute.
    `mode` is `serve` (one process at a time) or `tool` (beside it). Raises OutsideError for a
    URL no engine knows.
    """
    scheme, separator, rest = url.partition("://")
    if scheme == "sqlite" and separator and rest.startswith("/") and len(rest) > 1:
        from hookagent.store.sqlite import Mode, SqliteStore

        path = folder / os.fsdecode(unquote_to_bytes(rest.removeprefix("/")))
        return SqliteStore(path, queue_max=queue_max, mode=Mode(mode))
    raise OutsideError(
        f"no store is known for the URL `{scheme}://…`",
        hint=did_you_mean(scheme, SCHEMES) or "write `sqlite:///.hookagent/hookagent.db`",
    )
