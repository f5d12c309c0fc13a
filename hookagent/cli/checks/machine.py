"""Checks of the machine: Python, the libraries that hostile input meets, limits, the clock."""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from hookagent.cli.checks.finding import Finding, failed, good, warning

PYTHON_ADVISED = (3, 11, 10)
"""Older 3.11 take some internal addresses for public ones (CVE-2024-4032)."""
AIOHTTP_LEAST = (3, 14, 5)
"""The first version with every known parser and decompression fix (SECURITY 1.6)."""
FILES_LEAST = 1_024
"""Every connection is an open file: 256 of them, the store, and what actions open."""
BUILT_AT_MS = 1_767_225_600_000
"""2026-01-01: no clock that is right is before it."""
FAR_FUTURE_MS = 4_102_444_800_000
"""2100-01-01."""
DAY_MS = 86_400_000


def python(found: tuple[int, int, int] | None = None) -> Iterator[Finding]:
    """Check the interpreter's version."""
    running = found or (sys.version_info[0], sys.version_info[1], sys.version_info[2])
    text = ".".join(str(part) for part in running)
    if running[:2] == PYTHON_ADVISED[:2] and running < PYTHON_ADVISED:
        yield warning(
            "python",
            f"Python {text} takes some internal addresses for public ones (CVE-2024-4032);"
            " hookagent checks addresses itself",
            "update to 3.11.10 or newer",
        )
    else:
        yield good("python", f"Python {text}")


def aiohttp() -> Iterator[Finding]:
    """Check that aiohttp is new enough and parses in C."""
    try:
        found = version("aiohttp")
        parser = import_module("aiohttp.http_parser")
    except (PackageNotFoundError, ImportError) as error:
        yield failed("aiohttp", f"aiohttp cannot be used: {error}", "pip install hookagent again")
        return
    if version_of(found) < AIOHTTP_LEAST:
        least = ".".join(str(part) for part in AIOHTTP_LEAST)
        yield failed(
            "aiohttp", f"aiohttp {found} has known holes", f"pip install 'aiohttp>={least}'"
        )
    elif parser.HttpRequestParser is parser.HttpRequestParserPy:
        yield failed(
            "aiohttp",
            f"aiohttp {found} has no C parser, and the other one lets more through",
            "unset AIOHTTP_NO_EXTENSIONS, or install aiohttp from a wheel",
        )
    else:
        yield good("aiohttp", f"aiohttp {found} with the C parser")


def re2() -> Iterator[Finding]:
    """Check that regular expressions of rules cannot hang."""
    try:
        import_module("re2")
    except ImportError:
        yield failed(
            "re2", "RE2 is missing, so rules with `regex` are refused", "pip install google-re2"
        )
    else:
        yield good("re2", "RE2: regular expressions take linear time")


def keyring() -> Iterator[Finding]:
    """Say which keyring `{ keyring = … }` would ask."""
    try:
        backend = import_module("keyring").get_keyring()
    except ImportError:
        yield good("keyring", "no keyring installed; none is needed unless a secret names one")
        return
    name = f"{type(backend).__module__}.{type(backend).__name__}"
    if ".fail." in name or "alt" in name.split("."):
        yield warning(
            "keyring",
            f"the keyring is {name}, which keeps nothing safely",
            "use { env = … } or { file = … } for secrets on this machine",
        )
    else:
        yield good("keyring", f"keyring: {name}")


def open_files(limit: int | None = None) -> Iterator[Finding]:
    """Check how many files, and so connections, a process may have open."""
    found = _file_limit() if limit is None else limit
    if found is None:
        return
    if found < FILES_LEAST:
        yield warning(
            "open-files",
            f"only {found} files may be open at once",
            f"ulimit -n {FILES_LEAST * 4}",
        )
    else:
        yield good("open-files", f"{found} files may be open at once")


def _file_limit() -> int | None:
    try:
        resource = import_module("resource")
    except ImportError:  # not on Windows
        return None
    soft: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def clock(now: int, newest_event_at: int = 0) -> Iterator[Finding]:
    """Check that the clock can be right: signatures with timestamps depend on it.

    Times are Unix milliseconds; `newest_event_at` is 0 where there is none.
    """
    mend = "set the time, and let NTP keep it: timedatectl set-ntp true"
    if not BUILT_AT_MS <= now <= FAR_FUTURE_MS:
        yield failed("clock", "the clock is years off, so fresh signatures look stale", mend)
    elif newest_event_at > now + DAY_MS:
        yield failed("clock", "the newest stored event lies more than a day in the future", mend)
    else:
        yield good("clock", "the clock is plausible")


def version_of(text: str) -> tuple[int, ...]:
    """Return the numbers a version begins with."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
