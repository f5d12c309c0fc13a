"""Where the configuration is: `hookagent.toml` in a folder or the nearest one above it."""

from pathlib import Path

FILE_NAME = "hookagent.toml"
STATE_FOLDER = ".hookagent"


def find_file(folder: Path) -> Path | None:
    """Return the nearest `hookagent.toml`, or None where there is none up to the root."""
    for place in (folder, *folder.parents):
        candidate = place / FILE_NAME
        if candidate.is_file():
            return candidate
    return None


def shown(file: Path, cwd: Path) -> str:
    """Return a file's name as a person would write it: relative where that is shorter."""
    try:
        return str(file.relative_to(cwd))
    except ValueError:
        return str(file)
