"""Names that survive a power cut: syncing a file keeps its content, its folder keeps its name.

See fsync(2): "Calling fsync() does not necessarily ensure that the entry in the directory
containing the file has also reached disk."
"""

import contextlib
import os
from pathlib import Path


def keep_name(path: Path, *, folders: int = 2) -> None:
    """Make durable that a file exists under its name, and so many folders above it under theirs.

    A file system that cannot sync a folder is left as it is.
    """
    for folder in path.parents[:folders]:
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
