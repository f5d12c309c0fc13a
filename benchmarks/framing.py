"""Where one HTTP/1 answer ends (RFC 9112 section 6.3), as far as a load generator must know.

Pure: bytes in, answers out. Servers that close after each answer, that speak HTTP/1.0, that send
chunks, or that say nothing of the length and just close are all read rightly.
"""

from dataclasses import dataclass
from functools import lru_cache

HEAD_END = b"\r\n\r\n"


class Malformed(ValueError):
    """What came is not an HTTP answer."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the first part of an answer says of the rest."""

    status: int
    length: int | None
    """Bytes of the body; None where the end of the connection ends it."""
    is_chunked: bool
    keeps: bool
    """Whether the connection may be used again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer, and where the next begins in the bytes that came."""

    status: int
    keeps: bool
    end: int


@lru_cache(maxsize=1_024)
def read_head(head: bytes) -> Head:
    """Read a status line and fields, without the empty line. Raises Malformed."""
    status_line, *lines = head.split(b"\r\n")
    version, _, rest = status_line.partition(b" ")
    if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
        raise Malformed(status_line[:80].decode("latin-1"))
    fields = {}
    for line in lines:
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip().lower()
    status = int(rest[:3])
    connection = fields.get(b"connection", b"")
    length = fields.get(b"content-length")
    has_body = status not in {204, 304} and status >= 200
    is_chunked = has_body and fields.get(b"transfer-encoding", b"").endswith(b"chunked")
    if length is not None and not length.isdigit():
        raise Malformed(f"Content-Length: {length.decode('latin-1')}")
    size = int(length) if length is not None else None
    keeps = b"keep-alive" in connection if version == b"HTTP/1.0" else b"close" not in connection
    return Head(status, size if has_body else 0, is_chunked, keeps)


def first_answer(data: bytes, *, is_ended: bool = False) -> Answer | None:
    """Return the first whole answer in what came, or None while it is not whole.

    `is_ended` says that the connection has ended. Interim answers (1xx) are skipped.
    Raises Malformed.
    """
    start = 0
    while (at := data.find(HEAD_END, start)) >= 0:
        head = read_head(data[start:at])
        start = at + len(HEAD_END)
        if head.status < 200:
            continue
        if head.is_chunked:
            end = _after_chunks(data, start)
        elif head.length is not None:
            end = start + head.length
        else:
            return Answer(head.status, keeps=False, end=len(data)) if is_ended else None
        if end is None or end > len(data):
            return None
        return Answer(head.status, head.keeps, end)
    return None


def _after_chunks(data: bytes, start: int) -> int | None:
    """Return where a chunked body without trailers ends, or None. Raises Malformed."""
    while (at := data.find(b"\r\n", start)) >= 0:
        try:
            size = int(data[start:at].partition(b";")[0], 16)
        except ValueError:
            raise Malformed("a chunk without a size") from None
        start = at + 2 + size + 2
        if size == 0:
            return start if start <= len(data) else None
    return None
