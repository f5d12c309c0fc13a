"""The event file: how a captured request looks on disk, and the way back.

Written by `inspect --export json` and `sign --format json`, read by `replay`, `verify` and
`rules test`: one JSON object, or JSON Lines of them. `body` is text, `body_b64` stands in its place
when the bytes are not UTF-8. The body's bytes and the headers' order survive the round trip.
"""

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hookagent.errors import UsageError
from hookagent.event import Headers, RawRequest

MARKS = frozenset({"body", "body_b64"})
"""What tells an event file from a bare payload; every other key has a default."""
KNOWN = MARKS | {"id", "received_at", "source", "type", "method", "url", "headers"}


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an event file."""

    request: RawRequest
    id: str = ""
    source: str = ""
    type: str = ""


def to_object(captured: Captured) -> dict[str, Any]:
    """Return the JSON object of one captured request."""
    request = captured.request
    entry: dict[str, Any] = {
        "id": captured.id,
        "received_at": format_time(request.received_at) if request.received_at else "",
        "source": captured.source,
        "type": captured.type,
        "method": request.method,
        "url": request.url,
        "headers": [list(pair) for pair in request.headers.items()],
    }
    entry = {key: value for key, value in entry.items() if value != ""}
    try:
        return entry | {"body": request.body.decode("utf-8")}
    except UnicodeDecodeError:
        return entry | {"body_b64": base64.b64encode(request.body).decode("ascii")}


def read(data: bytes, *, name: str = "the event file") -> Iterator[Captured]:
    """Yield the captured requests in a file's bytes: event objects, JSON Lines, or bare payloads.

    A JSON value without `body` or `body_b64` is a bare payload: it becomes the body, byte for byte.
    Raises UsageError for what is neither.
    """
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        yield from _read_lines(data, name, str(error))
        return
    yield _one(value, data, name)


def _read_lines(data: bytes, name: str, whole: str) -> Iterator[Captured]:
    """Yield from JSON Lines; a file that is not even that gets the reason of the first line."""
    lines = [line for line in data.splitlines() if line.strip()]
    if len(lines) <= 1:
        raise UsageError(f"{name} is not JSON: {whole}")
    for number, line in enumerate(lines, start=1):
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UsageError(f"{name}, line {number}, is not JSON: {error}") from None
        yield _one(value, line, f"{name}, line {number}")


def _one(value: Any, raw: bytes, name: str) -> Captured:
    """Turn one JSON value into a captured request."""
    if not isinstance(value, dict) or not MARKS & value.keys() or not value.keys() <= _keys(value):
        return Captured(request=RawRequest(headers=_json_headers(), body=raw.strip()))
    url = _text(value, "url", name)
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Captured(
        id=_text(value, "id", name),
        source=_text(value, "source", name),
        type=_text(value, "type", name),
        request=RawRequest(
            method=_text(value, "method", name) or "POST",
            target=target,
            base_url=f"{parts.scheme}://{parts.netloc}" if parts.netloc else "",
            headers=_headers(value.get("headers"), name),
            body=_body(value, name),
            received_at=_time(value, name),
        ),
    )


def _keys(value: dict[str, Any]) -> set[str]:
    """Keys an event object may have: any, if it has a second mark of one; else only known ones."""
    return set(value) if value.keys() & {"headers", "method", "received_at", "url"} else set(KNOWN)


def _json_headers() -> Headers:
    return Headers.of({"Content-Type": "application/json"})


def _text(value: dict[str, Any], key: str, name: str) -> str:
    text = value.get(key) or ""
    if not isinstance(text, str):
        raise UsageError(f"`{key}` in {name} is not a string")
    return text


def _headers(value: Any, name: str) -> Headers:
    if value is None:
        return _json_headers()
    pairs = list(value.items()) if isinstance(value, dict) else value
    try:
        checked = msgspec.convert(pairs, list[tuple[str, str]])
    except msgspec.ValidationError as error:
        raise UsageError(
            f"`headers` in {name} is neither an object nor a list of [name, value]: {error}",
        ) from None
    for field, text in checked:
        if any(bad in field + text for bad in "\r\n\0"):
            raise UsageError(f"header `{field!r}` in {name} holds a control character")
    return Headers.of(checked)


def _body(value: dict[str, Any], name: str) -> bytes:
    if "body_b64" in value:
        try:
            return base64.b64decode(_text(value, "body_b64", name), validate=True)
        except binascii.Error as error:
            raise UsageError(f"`body_b64` in {name} is not base64: {error}") from None
    body = value["body"]
    if isinstance(body, str):
        return body.encode("utf-8")
    return msgspec.json.encode(body)  # hand-written files often hold the payload itself


def _time(value: dict[str, Any], name: str) -> int:
    text = _text(value, "received_at", name)
    if not text:
        return 0
    try:
        return parse_time(text)
    except ValueError:
        raise UsageError(f"`received_at` in {name} is not an RFC 3339 time: `{text}`") from None


def format_time(milliseconds: int) -> str:
    """Write Unix milliseconds as RFC 3339 in UTC, to the millisecond."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def parse_time(text: str) -> int:
    """Read RFC 3339 into Unix milliseconds; a time without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
