"""The short way through HTTP: a whole plain request that came in one piece.

Nearly every delivery is one: a line, some fields, a body of the length they say, in one segment.
What aiohttp's parser makes of such a request can be read off with a few cuts, at a third of the
cost. This only ever says yes, and only to what the parser takes too and takes the same way
(`tests/server/test_plain.py` compares them): printable ASCII, no field twice, a `Content-Length` in
digits and exactly so many bytes. Anything else, and whatever frames a message or a connection in
another way, goes to the parser.
"""

import re
from typing import NamedTuple

from hookagent.event import Headers

HEAD_MAX = 8_000
"""Bytes; a longer head is the parser's."""
FIELDS_MAX = 64
LENGTH_DIGITS_MAX = 9
KEPT_MAX = 1_024
"""Lines that were read before and are kept: a stranger can send any number of them."""

_LINE = re.compile(rb"(POST|PUT|PATCH) (/(?!/)[A-Za-z0-9/_.~%?&=+,:;@!$'()*-]*) HTTP/1\.1")
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]++): *+((?:[!-~](?:[ -~]*[!-~])?)?) *+")
"""Nothing is tried twice (`*+`): what a stranger sends is read in linear time."""
_LEFT_TO_PARSER = frozenset({
    b"connection", b"content-encoding", b"expect", b"keep-alive", b"proxy-connection", b"te",
    b"sec-websocket-key1", b"trailer", b"transfer-encoding", b"upgrade",
})  # fmt: skip
"""Fields that change how a message or its connection is read."""

_lines: dict[bytes, tuple[str, str]] = {}
_STEADY = frozenset({
    b"accept", b"accept-encoding", b"content-length", b"content-type", b"host", b"user-agent",
})  # fmt: skip
"""Fields whose values repeat from delivery to delivery, and are no secret."""

_Field = tuple[bytes, tuple[bytes, bytes]]
_fields: dict[bytes, _Field] = {}


class Plain(NamedTuple):
    """One request."""

    method: str
    target: str
    headers: Headers
    body: bytes


def read_plain(data: bytes) -> Plain | None:
    """Read one whole plain request with a body; None for anything else, whatever it is."""
    end = data.find(b"\r\n\r\n", 0, HEAD_MAX)
    head = data[:end]
    if end < 0:
        return None
    first, *fields = head.split(b"\r\n")
    line = _lines.get(first) or _first_line(first)
    if line is None or len(fields) > FIELDS_MAX:
        return None
    pairs = []
    known = {}
    for field in fields:
        read = _fields.get(field) or _field(field)
        if read is None:
            return None
        lower, pair = read
        pairs.append(pair)
        known[lower] = pair[1]
    length = known.get(b"content-length", b"")
    if len(known) != len(fields) or b"host" not in known or not length.isdigit():
        return None
    if len(length) > LENGTH_DIGITS_MAX or int(length) != len(data) - end - 4:
        return None
    return Plain(*line, Headers(pairs, single=known), data[end + 4 :])


def _first_line(first: bytes) -> tuple[str, str] | None:
    found = _LINE.fullmatch(first)
    if found is None:
        return None
    line = (found[1].decode("ascii"), found[2].decode("ascii"))
    if len(_lines) >= KEPT_MAX:
        _lines.clear()
    _lines[first] = line
    return line


def _field(field: bytes) -> _Field | None:
    """Read one field; None where it is none, or one for the parser."""
    found = _FIELD.fullmatch(field)
    if found is None:
        return None
    lower = found[1].lower()
    if lower in _LEFT_TO_PARSER:
        return None
    read = (lower, (found[1], found[2]))
    if lower in _STEADY:
        if len(_fields) >= KEPT_MAX:
            _fields.clear()
        _fields[field] = read
    return read
