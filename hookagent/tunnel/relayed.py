"""What a relay hands over, and the request it stands for. Pure.

smee takes a request's JSON body apart and puts it together again, so `1.0` arrives as `1` and a
signature over the bytes no longer fits; gosmee keeps the bytes beside it (`bodyB`). A request whose
bytes were put together again says so in `RELAY_HEADER`, so that a signature that does not fit is
reported as unverifiable and not as forged.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

RELAY_HEADER = "X-Hookagent-Relay"
"""`NAME; bytes=exact` or `NAME; bytes=rebuilt`. It can only make a verdict milder in words: a
delivery that fails stays refused."""
EXACT, REBUILT = "exact", "rebuilt"

NOT_PASSED_ON = frozenset(
    """connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer
    transfer-encoding upgrade host content-length accept-encoding expect forwarded via x-real-ip
    true-client-ip""".split()  # noqa: SIM905 - a list of words reads better than of literals
)
"""Fields of one hop, and claims about the sender's address that nobody vouches for."""
NOT_PASSED_ON_PREFIXES = ("x-forwarded-", "x-hookagent-", "cf-")
FIELD_NAME = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
FIELD_VALUE_FORBIDDEN = re.compile(r"[\x00\r\n]")
NOT_HEADERS = frozenset({"body", "bodyB", "query", "timestamp"})
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """A request as far as the relay kept it."""

    method: str = "POST"
    query: str = ""
    """Without the `?`."""
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_exact: bool
    """Whether the body's bytes are those that were sent."""


def read_message(data: bytes) -> Relayed | None:
    """Read a message of smee or gosmee; None where it holds no request."""
    try:
        fields = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return None
    if "body" not in fields and "bodyB" not in fields:
        return None
    values = {name: _decoded(raw) for name, raw in fields.items() if name != "body"}
    exact = _exact_body(values.get("bodyB"))
    named = {name: value for name, value in values.items() if name not in NOT_HEADERS}
    headers = passed_on((name, value) for name, value in named.items() if isinstance(value, str))
    if exact is not None:
        body = exact
    else:
        body = _rebuilt_body(fields.get("body"), str(named.get("content-type", "")))
        headers = tuple(pair for pair in headers if pair[0].lower() != "content-encoding")
    return Relayed(
        query=_query(values.get("query")), headers=headers, body=body, is_exact=exact is not None
    )


def is_rebuilt(mark: str | None) -> bool:
    """Say whether a `RELAY_HEADER` tells that the body's bytes are not those that were sent."""
    return mark is not None and mark.rpartition("bytes=")[2].strip() == REBUILT


def passed_on(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Keep the header fields that are the sender's own and can be sent again."""
    return tuple((name, value) for name, value in headers if _is_passed_on(name, value))


def _is_passed_on(name: str, value: str) -> bool:
    lower = name.lower()
    return not (
        lower in NOT_PASSED_ON
        or lower.startswith(NOT_PASSED_ON_PREFIXES)
        or not FIELD_NAME.match(name)
        or FIELD_VALUE_FORBIDDEN.search(value)
    )


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _exact_body(encoded: Any) -> bytes | None:
    if not isinstance(encoded, str):
        return None
    try:
        return b64decode(encoded, validate=True)
    except (Base64Error, ValueError):
        return None


def _rebuilt_body(raw: msgspec.Raw | None, content_type: str) -> bytes:
    """Return the body's JSON as the relay wrote it, which is nearest to what it had read."""
    if raw is None:
        return b""
    if content_type.partition(";")[0].strip().lower() == FORM:
        value = _decoded(raw)
        if isinstance(value, dict):
            return urlencode(value, doseq=True).encode()
    return bytes(raw)


def _query(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    pairs = {name: item for name, item in value.items() if isinstance(item, str | list)}
    return urlencode(pairs, doseq=True)
