"""HTTP Archive 1.2 (w3c.github.io/web-performance/specs/HAR): every request with its body."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from hookagent.errors import UsageError
from hookagent.eventfile import Captured
from hookagent.pipeline.captures.making import captured, moment


def read_har(data: bytes, name: str) -> Iterator[Captured]:
    """Yield the requests of an archive. Raises UsageError for what is none."""
    try:
        entries = msgspec.json.decode(data)["log"]["entries"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        raise UsageError(f"{name} is not a HAR archive") from None
    if not isinstance(entries, list):
        raise UsageError(f"{name} is not a HAR archive")
    for number, entry in enumerate(entries, start=1):
        yield _entry(entry, f"{name}, entry {number}")


def _entry(entry: Any, name: str) -> Captured:
    try:
        request = entry["request"]
        return captured(
            name,
            method=request.get("method", "POST"),
            url=request["url"],
            headers=[(one["name"], one["value"]) for one in request.get("headers", [])],
            body=_body(request.get("postData") or {}),
            received_at=moment(entry.get("startedDateTime")),
        )
    except (KeyError, TypeError, AttributeError, binascii.Error):
        raise UsageError(f"{name} is not a HAR entry with a request") from None


def _body(post: dict[str, Any]) -> bytes:
    """Return the body: text, text in base64 (as several tools write), or form parameters."""
    text = str(post.get("text") or "")
    if text and post.get("encoding") == "base64":
        return base64.b64decode(text, validate=True)
    if text or not post.get("params"):
        return text.encode()
    return urlencode([(one["name"], one.get("value", "")) for one in post["params"]]).encode()
