"""Where two deliveries differ, by path; what differs every time is left out."""

import re
from typing import Any

from hookagent import payload
from hookagent.event import RawRequest
from hookagent.lookup import format_path

VOLATILE_HEADERS = frozenset(
    {"content-length", "date", "user-agent", "x-request-id", "traceparent", "host", "via"}
)
SHOWN_MAX = 120
VOLATILE_NAME = re.compile(
    r"(^|[._\]-])(id|ids|uuid|guid|nonce|token|etag|sha|hash|node_id|request_id|timestamp|time|ts|date"
    r"|created|updated|modified|pushed|before|after)$|(_at|_id|_on|_time|_date|_ts|_url|Id|At|Date|Time)$"
)
"""Names of what is another each time: ids, times, and addresses made of ids."""


def differences(one: RawRequest, other: RawRequest) -> list[tuple[str, str, str]]:
    """Return (path, before, after) for every value that differs; `-` stands for none."""
    found = _headers(one, other)
    read = [payload.read(r.body, r.headers.text("content-type") or "") for r in (one, other)]
    values = [r.value if isinstance(r, payload.Parsed) else None for r in read]
    if all(isinstance(r, payload.Parsed) for r in read):
        before, after = (dict(_leaves(value, ())) for value in values)
        for path in dict.fromkeys([*before, *after]):
            left, right = _shown(before, path), _shown(after, path)
            if left != right:
                found.append((format_path(path) if path else "body", left, right))
    elif one.body != other.body:
        found.append(("body", f"{len(one.body)} bytes", f"{len(other.body)} bytes"))
    return found


def is_volatile(path: str, before: str, after: str) -> bool:
    """Whether a difference is one that any two deliveries have: both sides have an id or a time.

    The arguments are an entry of `differences`. What one side lacks is never volatile.
    """
    if "-" in {before, after} or "null" in {before, after}:
        return False
    if _kind(before) is not _kind(after):
        return False
    if path.startswith("@headers."):
        return any(word in path for word in ("id", "time", "date", "guid"))
    return VOLATILE_NAME.search(path) is not None


def _kind(shown: str) -> type:
    """Tell text from numbers in what `differences` shows."""
    return str if shown.startswith('"') else float


def _headers(one: RawRequest, other: RawRequest) -> list[tuple[str, str, str]]:
    before, after = ({n.lower(): v for n, v in r.headers.items()} for r in (one, other))
    return [
        (f"@headers.{name}", before.get(name, "-"), after.get(name, "-"))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
        and name not in VOLATILE_HEADERS
        and "signature" not in name
    ]


def _leaves(value: Any, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, (*path, key))]
    if isinstance(value, list) and value:
        return [leaf for n, item in enumerate(value) for leaf in _leaves(item, (*path, n))]
    return [(path, value)]


def _shown(leaves: dict[tuple[str | int, ...], Any], path: tuple[str | int, ...]) -> str:
    import msgspec

    if path not in leaves:
        return "-"
    text = msgspec.json.encode(leaves[path]).decode()
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"
