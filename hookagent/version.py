"""The version, read from what was installed: one place says it, `pyproject.toml`."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def hookagent_version() -> str:
    """Return the installed version, or `0+source` when run from a bare checkout."""
    try:
        return version("hookagent")
    except PackageNotFoundError:
        return "0+source"
