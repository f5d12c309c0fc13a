"""Keeps the traceback of a bug in a file of mode 0600, without the secrets of the environment."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

STATE_FOLDER = ".hookagent"
FOLDERS = frozenset({"PWD", "OLDPWD"})
"""The shell's folders; only their names look like a password's."""


def write(text: str, *, cwd: Path, process: int, environ: Mapping[str, str]) -> Path:
    """Write a traceback where logs belong and return its file.

    That is `.hookagent/` here or above, else the user's own log folder.
    """
    folder = log_folder(cwd)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"traceback-{process}.txt"
    file.unlink(missing_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.write(masked(text, environ))
    return file


def log_folder(cwd: Path) -> Path:
    """Return `.hookagent/` here or above where there is one, else the user's log folder."""
    for folder in (cwd, *cwd.parents):
        state = folder / STATE_FOLDER
        if state.is_dir() and os.access(state, os.W_OK):
            return state
    from hookagent.config.folders import NOWHERE, users_folder

    users = users_folder("log")
    return Path(tempfile.mkdtemp(prefix="hookagent-")) if users == NOWHERE else users


def masked(text: str, environ: Mapping[str, str]) -> str:
    """Return the text without what looks like a secret, and without the environment's secrets.

    A variable is secret when its name says so, or when its value holds a password.
    """
    from hookagent.redact import Redactor, is_sensitive

    secrets = [
        value
        for name, value in environ.items()
        if (is_sensitive(name) and name not in FOLDERS) or "://" in value
    ]
    return Redactor(secrets).text(text)
