"""Makes one captured request from parts that strangers wrote: every field is checked."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from hookagent.errors import UsageError
from hookagent.event import Headers, RawRequest
from hookagent.eventfile import Captured, parse_time

OF_THE_CONNECTION = frozenset({"content-length", "transfer-encoding", "connection"})


def captured(  # noqa: PLR0913 - the parts of a request
    name: str,
    *,
    method: Any,
    url: Any,
    headers: Iterable[tuple[Any, Any]],
    body: bytes,
    received_at: int = 0,
) -> Captured:
    """Return the capture. Raises UsageError for a header that would break a request apart."""
    try:
        parts = urlsplit(str(url))
    except ValueError:
        raise UsageError(f"{name} has the URL `{url}`, which is none") from None
    fields = []
    for field, value in headers:
        text = str(field), str(value)
        if any(bad in text[0] + text[1] for bad in "\r\n\0"):
            raise UsageError(f"a header in {name} holds a control character")
        if not text[0].startswith(":") and text[0].lower() not in OF_THE_CONNECTION:
            fields.append(text)
    return Captured(
        request=RawRequest(
            method=str(method).upper(),
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            base_url=f"{parts.scheme}://{parts.netloc}" if parts.netloc else "",
            headers=Headers.of(fields),
            body=body,
            received_at=received_at,
        )
    )


def moment(text: Any) -> int:
    """Read an RFC 3339 time; 0 for what is none."""
    try:
        return parse_time(str(text)) if text else 0
    except ValueError:
        return 0
