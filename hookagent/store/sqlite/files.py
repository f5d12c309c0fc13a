"""The store's files: who may read them, and which process serves.

Everything is made with mode 0600 in a folder of mode 0700. SQLite gives its `-wal` and `-shm` the
mode of the database, so the database is made before SQLite opens it. An existing database is never
opened here: closing a second descriptor would drop the POSIX locks SQLite holds in this process.
"""

import fcntl
import os
import stat
from pathlib import Path

from hookagent.errors import OutsideError
from hookagent.store.base import StoreUnavailable

FILE_MODE = 0o600
FOLDER_MODE = 0o700
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def make_private(path: Path) -> None:
    """Make the folder and an empty file where they are missing, and refuse what is not safe.

    Raises OutsideError for a symbolic link, a foreign owner or a folder others may write to.
    """
    folder = path.parent
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _check_folder(folder)
        for name in (path, *_companions(path)):
            _check_file(name)
        if not path.exists():
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(os.open(path, flags, FILE_MODE))
    except FileExistsError:
        return  # another process made it in between
    except OSError as error:
        raise StoreUnavailable(
            f"the store `{path}` cannot be made: {error.strerror}",
            hint="check the folder's owner and mode, or set another `url` under `[store]`",
        ) from error


def _companions(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm", ".lock")]


def _check_folder(folder: Path) -> None:
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise OutsideError(
            f"the store's folder `{folder}` is a symbolic link",
            hint="name the folder it points to",
        )
    _check_owner(folder, found)
    if found.st_mode & WRITABLE_BY_OTHERS:
        raise OutsideError(
            f"the store's folder `{folder}` may be written by others",
            hint=f"chmod go-w {folder}",
        )


def _check_file(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise OutsideError(
            f"`{path}` is not a plain file, so it is not used as a store",
            hint="a symbolic link could lead anywhere; name the file itself",
        )
    _check_owner(path, found)
    if stat.S_IMODE(found.st_mode) != FILE_MODE:
        path.chmod(FILE_MODE)


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in {os.geteuid(), 0}:
        raise OutsideError(
            f"`{path}` belongs to another user",
            hint="run as its owner, or set another `url` under `[store]`",
        )


class ServeLock:
    """The right to serve from a store: one process at a time, given up when the process ends."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take it, or raise OutsideError that names the process which has it."""
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise OutsideError(
                f"another `hookagent serve` (pid {holder}) already uses this store",
                hint="end it first, or set another `url` under `[store]`",
            ) from None
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give it up; the file stays, for its mode and to keep the lock free of races."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
