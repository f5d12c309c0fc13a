"""The parts a scheme is made of: where a value stands, how it is written, what it must be.

Nothing here does anything; `scheme` reads these from TOML, `verify` and `sign` obey them.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from hookagent.lookup import Path

Text = tuple[str, ...]

SIGNATURES_MAX = 16
"""Signatures looked at in one request; more are refused (an attacker would have us work)."""
TOLERANCE_SECONDS = 300
"""What Standard Webhooks, Slack and Stripe use."""


class Family(StrEnum):
    """What kind of proof a scheme asks for."""

    HMAC = "hmac"
    HASH = "hash"
    ED25519 = "ed25519"
    ECDSA = "ecdsa"
    RSA = "rsa"
    RSA_PSS = "rsa-pss"
    JWT = "jwt"
    MESSAGE = "rfc9421"
    TOKEN = "token"  # noqa: S105 - a kind's name
    BASIC = "basic"
    NONE = "none"
    STRATEGY = "strategy"


ASYMMETRIC = frozenset({Family.ED25519, Family.ECDSA, Family.RSA, Family.RSA_PSS})
STATIC = frozenset({Family.TOKEN, Family.BASIC})

ALGORITHMS: Mapping[str, tuple[Family, str]] = {
    "hmac-sha1": (Family.HMAC, "sha1"),
    "hmac-sha256": (Family.HMAC, "sha256"),
    "hmac-sha384": (Family.HMAC, "sha384"),
    "hmac-sha512": (Family.HMAC, "sha512"),
    "hmac-md5": (Family.HMAC, "md5"),
    "sha1": (Family.HASH, "sha1"),
    "sha256": (Family.HASH, "sha256"),
    "sha512": (Family.HASH, "sha512"),
    "md5": (Family.HASH, "md5"),
    "ed25519": (Family.ED25519, ""),
    "ecdsa-sha256": (Family.ECDSA, "sha256"),
    "ecdsa-sha1": (Family.ECDSA, "sha1"),
    "ecdsa-sha256-p1363": (Family.ECDSA, "sha256"),
    "rsa-sha1": (Family.RSA, "sha1"),
    "rsa-sha256": (Family.RSA, "sha256"),
    "rsa-sha512": (Family.RSA, "sha512"),
    "rsa-pss-sha256": (Family.RSA_PSS, "sha256"),
    "rsa-pss-sha512": (Family.RSA_PSS, "sha512"),
    "jwt": (Family.JWT, ""),
    "rfc9421": (Family.MESSAGE, ""),
    "token": (Family.TOKEN, ""),
    "basic": (Family.BASIC, ""),
    "none": (Family.NONE, ""),
}
"""Every algorithm a scheme may name, with its family and its hash."""

DIGEST_BYTES: Mapping[str, int] = {
    "md5": 16,
    "sha1": 20,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
}


class Location(msgspec.Struct, frozen=True):
    """Where in a request a value stands."""

    kind: str = ""
    """`header`, `query`, `form`, `json`, `tag` (beside the signature), `first` (the first item of a
    list), or empty for nowhere."""
    names: Text = ()
    """Header names (any of them), else one name."""
    path: Path = ()
    """For `json`."""

    @property
    def name(self) -> str:
        """The first name, for messages."""
        return self.names[0] if self.names else ""

    def __str__(self) -> str:
        names = " or ".join(f"`{name}`" for name in self.names)
        return f"{_KINDS.get(self.kind, self.kind)} {names}".strip()


_KINDS = {
    "header": "header",
    "query": "query parameter",
    "form": "form field",
    "json": "payload field",
    "tag": "part",
    "first": "first item of the signature header",
}


class Framing(msgspec.Struct, frozen=True, kw_only=True):
    """How one or several signatures are written in one value."""

    kind: str = "plain"
    """`plain`, `pairs`, `list` or `timestamp-list`."""
    separator: str = ","
    assign: str = "="
    tag: str = ""
    quoted: bool = False
    groups: str = ""
    prefix: str = ""
    encoding: str = "hex"
    repeats: bool = False
    """Whether the same header may come several times."""


class Timestamp(msgspec.Struct, frozen=True, kw_only=True):
    """When the sender says it signed."""

    place: Location
    format: str = "unix"
    """`unix`, `unix-ms`, `rfc3339` or `iso-utc`."""
    tolerance_ms: int = TOLERANCE_SECONDS * 1000
    """In both directions; 0 is off."""


class SecretForm(msgspec.Struct, frozen=True, kw_only=True):
    """From the secret as a person has it to the key's bytes."""

    form: str = "utf-8"
    strip: Text = ()
    append: str = ""
    hash: str = ""
    normalize: str = ""


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """A hash of the body that the request itself carries."""

    place: Location
    prefix: str = ""
    hash: str = "sha256"
    encoding: str = "base64"


class KeyRule(msgspec.Struct, frozen=True, kw_only=True):
    """Where a public key is fetched when none is configured."""

    urls: Text
    """One, or as many as the signature has headers; may hold placeholders."""
    hosts: Text
    """The only hosts allowed; `*.example.com` allows its sub-domains."""
    kind: str = "pem"
    json: str = ""
    """Path of the key in a JSON answer."""
    post: tuple[tuple[str, str], ...] = ()
    """Members of a JSON object that is posted to get it; may hold placeholders. Empty: a GET."""

    @property
    def credentials(self) -> Text:
        """The settings that are posted: without them nothing is fetched."""
        texts = [part for _, value in self.post for part in value.split("{config:")[1:]]
        return tuple(part.partition("}")[0] for part in texts)


class JwtRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a JSON Web Token must be."""

    algorithms: Text
    issuer: Text = ()
    audience: Text = ()
    subject: Text = ()
    body_claim: str = ""
    body_hash: str = "sha256"
    body_encoding: str = "hex"
    body_required: bool = True
    """Whether the claim must be there even when the body is empty; with a body it always must."""
    url_claim: str = ""
    url_hash: str = ""
    url_encoding: str = "hex"
    qsh: bool = False
    require: tuple[tuple[str, str | int | bool], ...] = ()
    max_age_seconds: int = 0
    leeway_seconds: int = 60
    in_body: bool = False
    expiry: bool = True


class MessageRules(msgspec.Struct, frozen=True, kw_only=True):
    """What an RFC 9421 signature must be."""

    algorithm: str
    label: str = ""
    components: Text = ()
    covers_body: bool = True
    """Whether a request with a body must have its content digest covered."""
    max_age_seconds: int = TOLERANCE_SECONDS
