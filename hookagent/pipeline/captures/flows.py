"""Flow files of mitmproxy: tnetstrings, one dictionary for each flow.

A tnetstring is `LENGTH:DATA` and a letter for the type (tnetstrings.info); mitmproxy adds `;` for
text. A flow has `type` and, where that is `http`, a `request` with `method`, `scheme`, `host`,
`port`, `path`, `headers` and `content` (docs.mitmproxy.org, "Flow storage").
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from hookagent.errors import UsageError
from hookagent.eventfile import Captured
from hookagent.pipeline.captures.making import captured

START = re.compile(rb"\d{1,10}:")
DEPTH_MAX = 50
HTTP_PORTS = {"http": 80, "https": 443}


def is_flow(data: bytes) -> bool:
    """Whether some bytes begin as a flow file does."""
    start = START.match(data)
    return start is not None and START.match(data, start.end()) is not None


def read_flows(data: bytes, name: str) -> Iterator[Captured]:
    """Yield the requests of HTTP flows; others are passed over. Raises UsageError."""
    place, number = 0, 0
    while place < len(data):
        number += 1
        try:
            flow, place = _value(data, place, 0)
            if isinstance(flow, dict) and flow.get("type", "http") == "http" and "request" in flow:
                yield _captured(flow["request"], f"{name}, flow {number}")
        except (ValueError, KeyError, TypeError, IndexError, OverflowError):
            raise UsageError(f"{name}, flow {number}, is not a flow of mitmproxy") from None


def _captured(request: dict[str, Any], name: str) -> Captured:
    scheme, host, port = _text(request["scheme"]), _text(request["host"]), int(request["port"])
    netloc = host if HTTP_PORTS.get(scheme) == port else f"{host}:{port}"
    started = request.get("timestamp_start")
    return captured(
        name,
        method=_text(request["method"]),
        url=f"{scheme}://{netloc}{_text(request['path'])}",
        headers=[(_text(field), _text(value)) for field, value in request["headers"]],
        body=request.get("content") or b"",
        received_at=int(started * 1000) if isinstance(started, int | float) else 0,
    )


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _value(data: bytes, place: int, depth: int) -> tuple[Any, int]:
    """Read one value; return it and where the next begins. Raises ValueError."""
    start = START.match(data, place)
    if start is None or depth > DEPTH_MAX:
        raise ValueError
    length = int(data[place : start.end() - 1])
    end = start.end() + length
    if end >= len(data):
        raise ValueError
    content, kind = data[start.end() : end], data[end : end + 1]
    return _of_kind(kind, content, depth), end + 1


def _of_kind(kind: bytes, content: bytes, depth: int) -> Any:
    if kind in {b"]", b"}"}:
        items = []
        place = 0
        while place < len(content):
            item, place = _value(content, place, depth + 1)
            items.append(item)
        return items if kind == b"]" else _dictionary(items)
    return _PLAIN[kind](content)


_PLAIN: dict[bytes, Callable[[bytes], Any]] = {
    b",": bytes,
    b";": lambda content: content.decode("utf-8"),
    b"#": int,
    b"^": float,
    b"!": lambda content: content == b"true",
    b"~": lambda _: None,
}
"""What each letter makes of its bytes; another letter is a KeyError."""


def _dictionary(items: list[Any]) -> dict[str, Any]:
    """Pair up names and values; names are text or, in older files, bytes."""
    if len(items) % 2:
        raise ValueError
    return {_text(items[n]): items[n + 1] for n in range(0, len(items), 2)}
