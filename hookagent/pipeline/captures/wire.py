"""One HTTP/1.1 request as it goes over the wire, with CRLF or the plain line ends of an editor."""

import re
from collections.abc import Iterator

from hookagent.errors import UsageError
from hookagent.eventfile import Captured
from hookagent.pipeline.captures.making import captured

REQUEST_LINE = re.compile(rb"([A-Z]{3,10}) (\S+) HTTP/\d(?:\.\d)?\r?\n")


def is_request(data: bytes) -> bool:
    """Whether some bytes begin as a request does."""
    return REQUEST_LINE.match(data) is not None


def read_http(data: bytes, name: str) -> Iterator[Captured]:
    """Yield the one request. Raises UsageError for what is none."""
    yield request_of(data, name)


def request_of(data: bytes, name: str, *, received_at: int = 0) -> Captured:
    """Read one request. Raises UsageError for what is none."""
    line = REQUEST_LINE.match(data)
    if line is None:
        raise UsageError(f"{name} is not an HTTP request")
    head, separator, body = _parted(data[line.end() :])
    fields = []
    for row in head.splitlines():
        field, colon, value = row.decode("latin-1").partition(":")
        if not colon:
            raise UsageError(f"{name} has the header line `{field}`, which is none")
        fields.append((field.strip(), value.strip()))
    lowered = {field.lower(): value for field, value in fields}
    if not separator and body:
        raise UsageError(f"{name} has no blank line before its body")
    if lowered.get("transfer-encoding", "").lower() == "chunked":
        body = _unchunked(body, name)
    elif (length := lowered.get("content-length", "")).isdigit():
        body = body[: int(length)]
    target = line[2].decode("latin-1")
    host = lowered.get("host", "")
    url = target if "://" in target or not host else f"https://{host}{target}"
    method = line[1].decode("ascii")
    return captured(
        name, method=method, url=url, headers=fields, body=body, received_at=received_at
    )


def _parted(rest: bytes) -> tuple[bytes, bytes, bytes]:
    """Part the head from the body at the first blank line."""
    if rest.startswith((b"\r\n", b"\n")):
        return b"", b"\n", rest.removeprefix(b"\r").removeprefix(b"\n")
    found = re.search(rb"\r?\n\r?\n", rest)
    if found is None:
        return rest, b"\n", b""
    return rest[: found.start()], found[0], rest[found.end() :]


def _unchunked(body: bytes, name: str) -> bytes:
    """Put the chunks of a body together (RFC 9112, 7.1)."""
    parts: list[bytes] = []
    while True:
        size, separator, body = body.partition(b"\r\n")
        try:
            length = int(size.partition(b";")[0], 16)
        except ValueError:
            raise UsageError(f"{name} has a broken chunk") from None
        if not separator or length == 0:
            return b"".join(parts)
        parts.append(body[:length])
        body = body[length:].removeprefix(b"\r\n")
