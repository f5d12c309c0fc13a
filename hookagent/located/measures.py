"""Durations and sizes as people write them: `1h30m`, `1 MiB`."""

import re

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def parse_duration(text: str) -> int | None:
    """Read `90s`, `1h30m`, `250ms`, `7d` into milliseconds; None where it is not a duration."""
    compact = text.strip()
    if not compact or _DURATION.sub("", compact).strip():
        return None
    return round(sum(float(n) * _UNIT_MS[unit] for n, unit in _DURATION.findall(compact)))


_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)?$")
_UNIT_BYTES = {
    None: 1, "B": 1, "kB": 1000, "KB": 1000, "KiB": 1024, "MB": 10**6, "MiB": 1024**2,
    "GB": 10**9, "GiB": 1024**3,
}  # fmt: skip


def parse_size(text: str) -> int | None:
    """Read `1 MiB`, `64 KiB`, `500` into bytes; None where it is not a size."""
    found = _SIZE.match(text.strip())
    return round(float(found.group(1)) * _UNIT_BYTES[found.group(2)]) if found else None
