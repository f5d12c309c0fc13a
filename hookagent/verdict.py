"""What verification said of a delivery: a value, never an exception.

The listener answers a stranger with `Verdict.status` and nothing else; the operator sees `code`,
`detail` and `integrity`. Codes are documented in `docs/verification.md` and never change meaning.
"""

from enum import StrEnum

import msgspec


class Integrity(StrEnum):
    """How much of the delivery the check covers."""

    BODY = "body-signed"
    """The body's bytes are covered by the signature."""
    ORIGIN = "origin-only"
    """A signature proves who sent it, but does not cover the body."""
    TOKEN = "token"  # noqa: S105 - a level's name
    """A shared static value was presented; it can be replayed by whoever saw it once."""
    NONE = "none"
    """Nothing was checked."""


class Code(StrEnum):
    """Why a delivery is genuine or not."""

    OK = "ok"
    UNCHECKED = "unchecked"
    """The source says `scheme = "none"`: taken as it is."""
    MISSING = "missing-signature"
    DOUBLED = "doubled-header"
    MALFORMED = "malformed-signature"
    MISMATCH = "wrong-signature"
    WRONG_TOKEN = "wrong-token"  # noqa: S105 - a code's name
    MISSING_TIMESTAMP = "missing-timestamp"
    MALFORMED_TIMESTAMP = "malformed-timestamp"
    STALE = "timestamp-stale"
    AHEAD = "timestamp-ahead"
    TOO_MANY = "too-many-signatures"
    MISSING_PART = "missing-signed-part"
    """Something the signature covers (a header, a form field, the id) is not in the request."""
    UNTRUSTED_KEY = "untrusted-key"
    """A key, certificate or its address is not one this source may use."""
    KEY_UNAVAILABLE = "key-unavailable"
    CLAIM = "wrong-claim"
    """A JWT's issuer, audience, expiry or body hash is not what it must be."""
    DIGEST = "wrong-digest"
    """A content digest header does not match the body."""
    ADDRESS = "address-not-allowed"
    UNVERIFIABLE = "unverifiable"
    """A relay altered the bytes: neither valid nor forged can be said."""


ABSENT = frozenset({Code.MISSING, Code.MISSING_TIMESTAMP, Code.MISSING_PART})
"""Nothing to check was sent: answered 401, as if asking for it."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one verification."""

    valid: bool
    scheme: str
    code: Code
    integrity: Integrity = Integrity.NONE
    """What was covered if valid; what the scheme covers if not."""
    secret_index: int | None = None
    """Which of the source's secrets matched, from 0."""
    signed_at: int | None = None
    """When the sender says it signed, Unix milliseconds."""
    content_key: bytes = b""
    """SHA-256 of the bytes the signature covers; empty when it covers none, or just the body."""
    detail: str = ""
    """One sentence for the operator with the evidence; never a secret or an expected signature."""

    @property
    def status(self) -> int:
        """The HTTP status a stranger gets for a delivery that is not genuine.

        Where our key is what is missing the sender is to try again.
        """
        if self.code is Code.KEY_UNAVAILABLE:
            return 503
        if self.code in ABSENT or self.code is Code.WRONG_TOKEN:
            return 401
        return 403
