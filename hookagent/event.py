"""What arrived: headers, request, event. Immutable, and exactly the bytes that came.

Times are Unix milliseconds everywhere inside hookagent. The classes are msgspec structs because
they are made once per request on the hot path.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from hookagent.verdict import Integrity, Verdict

HEADER_ENCODING = "latin-1"
"""HTTP/1.1 header values are octets; ISO-8859-1 maps every octet to one character and back."""


class Headers:
    """An ordered list of header fields as they came: bytes, in order, doubles kept.

    Lookup ignores case, as HTTP does. Nothing is joined, stripped or decoded behind the reader's
    back.
    """

    __slots__ = ("_single", "pairs")

    def __init__(
        self,
        pairs: Iterable[tuple[bytes, bytes]] = (),
        *,
        single: Mapping[bytes, bytes] | None = None,
    ) -> None:
        """`single` may give the values by name in lower case where no field comes twice."""
        self.pairs: tuple[tuple[bytes, bytes], ...] = tuple(pairs)
        self._single = single

    @classmethod
    def of(cls, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> "Headers":
        """Make headers from text; characters beyond ISO-8859-1 go out as UTF-8."""
        items = headers.items() if isinstance(headers, Mapping) else headers
        return cls((encode_header(name), encode_header(value)) for name, value in items)

    @classmethod
    def unpack(cls, packed: bytes) -> "Headers":
        """Read what `pack` wrote."""
        if not packed:
            return cls()
        pairs = []
        for line in packed.split(b"\n"):
            name, _, value = line.partition(b":")
            pairs.append((name, value))
        return cls(pairs)

    def pack(self) -> bytes:
        """One blob for the store; no field can hold a line feed, HTTP forbids it."""
        return b"\n".join(map(b":".join, self.pairs))

    def all(self, name: str) -> list[bytes]:
        """Return every value of a field, in the order they came."""
        wanted = _lower(name)
        if self._single is not None:
            value = self._single.get(wanted)
            return [] if value is None else [value]
        size = len(wanted)
        return [
            value for field, value in self.pairs if len(field) == size and field.lower() == wanted
        ]

    def text(self, name: str) -> str | None:
        """Return the first value of a field as text, or None."""
        values = self.all(name)
        return values[0].decode(HEADER_ENCODING) if values else None

    def items(self) -> Iterator[tuple[str, str]]:
        """Every field as text, in order."""
        for name, value in self.pairs:
            yield name.decode(HEADER_ENCODING), value.decode(HEADER_ENCODING)

    def without(self, *names: str) -> "Headers":
        """Return a copy that lacks the named fields."""
        dropped = {name.lower().encode(HEADER_ENCODING, "replace") for name in names}
        return Headers(pair for pair in self.pairs if pair[0].lower() not in dropped)

    def with_fields(self, fields: Mapping[str, str] | Iterable[tuple[str, str]]) -> "Headers":
        """Return a copy in which these fields replace any of the same name, at the end."""
        added = Headers.of(fields)
        names = (name.decode(HEADER_ENCODING) for name, _ in added.pairs)
        return Headers(self.without(*names).pairs + added.pairs)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.all(name))

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Headers({len(self.pairs)} fields)"  # values may be secrets


@lru_cache(maxsize=1_024)
def _lower(name: str) -> bytes:
    return name.lower().encode(HEADER_ENCODING, "replace")


def encode_header(text: str) -> bytes:
    """Turn header text into bytes: ISO-8859-1 where it fits, UTF-8 where not."""
    try:
        return text.encode(HEADER_ENCODING)
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


class RawRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request as it arrived or as it is to be sent."""

    method: str = "POST"
    target: str = "/"
    """The request target as on the wire: path and query, undecoded."""
    headers: Headers = Headers()
    body: bytes = b""
    received_at: int = 0
    """Unix milliseconds."""
    client_ip: str = ""
    """The sender's address as far as it can be trusted, else empty."""
    base_url: str = ""
    """Scheme and host the sender used, as configured (`https://example.test`), else empty."""

    @property
    def path(self) -> str:
        """The target without its query, undecoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the first `?`, undecoded."""
        return self.target.partition("?")[2]

    @property
    def url(self) -> str:
        """The whole URL, or just the target when the base is not known."""
        return self.base_url + self.target


class Origin(StrEnum):
    """How an event came to us."""

    LIVE = "live"
    REPLAY = "replay"
    """Sent again by `hookagent replay` or the inspector; `parent` names the original."""
    FETCHED = "fetched"
    """Read from a provider's log by `hookagent catchup`: genuine by TLS, not by signature."""
    INTERNAL = "internal"
    """Made by hookagent itself (watches, `emit`)."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A genuine delivery, stored once."""

    id: str
    source: str
    type: str = ""
    """Empty when the source has no type or the delivery lacks it."""
    key: bytes = b""
    """The idempotency key within the source; see `content_key`."""
    request: RawRequest
    verdict: Verdict
    origin: Origin = Origin.LIVE
    parent: str = ""
    """The id of the event this one replays, else empty."""
    payload: Any = None
    """The decoded body, or None where it was not decoded or is not JSON or a form."""

    @property
    def received_at(self) -> int:
        """Unix milliseconds."""
        return self.request.received_at


def new_id(prefix: str, now: int, entropy: int) -> str:
    """Make an id that sorts by time: `evt_` and 24 hex digits, 12 of them the milliseconds.

    `entropy` is 48 random bits; the caller draws them.
    """
    return f"{prefix}_{now << 48 | entropy & 0xFFFF_FFFF_FFFF:024x}"


def content_key(request: RawRequest, verdict: Verdict) -> bytes:
    """Make the idempotency key of a delivery that names none: what the signature covers, hashed.

    A verdict that says body-signed without a key means the body alone. Without a signature over
    content it is the method, the target and the body.
    """
    if verdict.content_key:
        return verdict.content_key
    if verdict.integrity is Integrity.BODY:
        return sha256(request.body).digest()
    return sha256(f"{request.method}\n{request.target}\n".encode() + request.body).digest()
