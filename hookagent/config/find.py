"""Where the configuration is: `hookagent.toml` in a folder or the nearest one above it."""

from hashlib import sha256
from pathlib import Path

from hookagent.config.folders import users_folder

FILE_NAME = "hookagent.toml"
STATE_FOLDER = ".hookagent"


def find_file(folder: Path) -> Path | None:
    """Return the nearest `hookagent.toml`, or None where there is none up to the root."""
    for place in (folder, *folder.parents):
        candidate = place / FILE_NAME
        if candidate.is_file():
            return candidate
    return None


def users_state(folder: Path) -> Path:
    """Return a project's place in the user's state folder, as the platform has it.

    `~/.local/state/hookagent/NAME-HASH` (`XDG_STATE_HOME`) on Linux, on macOS in
    `~/Library/Application Support`; the hash of the project's folder tells two of a name apart.
    """
    mark = sha256(bytes(folder.resolve())).hexdigest()[:8]
    return users_folder("state") / f"{folder.resolve().name}-{mark}"


def shown(file: Path, cwd: Path) -> str:
    """Return a file's name as a person would write it: relative where that is shorter."""
    try:
        return str(file.relative_to(cwd))
    except ValueError:
        return str(file)
