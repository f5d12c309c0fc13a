"""What ends at a known time: certificates, and tokens whose end can be read. Pure."""

import base64
import binascii
import re
from typing import Any

import msgspec

from hookagent.watch.level import Reading
from hookagent.watch.wording import duration

CERTIFICATE, TOKEN = "cert.expiring", "token.expiring"
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{4,8192}\.(eyJ[A-Za-z0-9_-]{4,8192})\.[A-Za-z0-9_-]{0,8192}")
_LATEST_S = 32_503_680_000
"""The year 3000: what is beyond does not end."""


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """Something and its end."""

    kind: str
    """`CERTIFICATE` or `TOKEN`."""
    subject: str
    """A host, an address or a variable's name; never the token."""
    at: int
    """Unix milliseconds."""
    within_ms: int | None = None
    """How long before its end it is told of, where that differs from the rest."""


def reading(ends: Ends, now: int, within_ms: int) -> Reading:
    """Judge one end."""
    limit = within_ms if ends.within_ms is None else ends.within_ms
    left = ends.at - now
    what = "certificate" if ends.kind == CERTIFICATE else "token"
    when = f"ends in {duration(left)}" if left > 0 else f"ended {duration(-left)} ago"
    return Reading(
        is_bad=left < limit,
        message=f"`{ends.subject}`: its {what} {when}",
        well=f"there is a new {what}",
        hint="renew it; what needs it fails after its end",
        facts={"ends_at": ends.at, "left_ms": left},
    )


def token_end(text: str) -> int | None:
    """Return when the first of the JWTs in a text ends, or None where no end can be read.

    The `exp` claim is seconds since 1970 (RFC 7519, 4.1.4); the signature is not our concern here.
    """
    found = [end for match in _JWT.finditer(text) if (end := _exp(match.group(1))) is not None]
    return min(found, default=None)


def _exp(part: str) -> int | None:
    try:
        claims: Any = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (msgspec.DecodeError, binascii.Error, ValueError, RecursionError):
        return None
    end = claims.get("exp") if isinstance(claims, dict) else None
    if isinstance(end, bool) or not isinstance(end, (int, float)) or not 0 < end < _LATEST_S:
        return None
    return int(end * 1000)
