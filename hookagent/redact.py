"""Masks secrets before anything is shown, logged or exported.

Three things give a secret away: it is one we know (put in from the environment or a file), it sits
under a name that holds secrets (`Authorization`, `token`, `sig`), or it has the shape of a
provider's token. All three are masked; what remains is still readable (SECURITY K4).
"""

import base64
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

MASK = "***"

SECRET_LENGTH_MIN = 4
"""Shorter values (`1`, `yes`) are settings; masking them everywhere would garble the output."""

_NAMES = re.compile(
    r"authorization|cookie|token|secret|signature|hmac|password|passwd|passphrase|credential"
    r"|api[-_]?key|access[-_]?key|private[-_]?key|auth[-_]?key|routing[-_]?key"
    r"|^(?:sig|pwd|auth)$",
    re.IGNORECASE,
)
_NOT_NAMES = re.compile(r"(?:_count|_id|_type|_at|tokens|signature-input)$", re.IGNORECASE)
"""Names that hold such a word and no secret: `token_type`, `max_tokens`."""

_SHAPES = re.compile(
    r"""
      whsec_[A-Za-z0-9+/=_-]{8,}                          # Standard Webhooks, Stripe, Svix
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}        # Stripe
    | \bgh[pousr]_[A-Za-z0-9]{16,}                        # GitHub
    | \bgithub_pat_[A-Za-z0-9_]{16,}
    | \bglpat-[A-Za-z0-9_-]{16,}                          # GitLab
    | \bxox[abeoprs]-[A-Za-z0-9-]{8,} | \bxapp-[A-Za-z0-9-]{8,}          # Slack
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                       # AWS
    | \bAIza[A-Za-z0-9_-]{30,}                            # Google
    | \bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}              # Anthropic, OpenAI
    | \bnpm_[A-Za-z0-9]{30,} | \bpypi-[A-Za-z0-9_-]{30,}  # registries
    | \bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}        # SendGrid
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}    # a JWT
    | (?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{8,}    # addresses that are secrets themselves
    | (?<=/api/webhooks/)[0-9]{5,}/[A-Za-z0-9_-]{8,}
    | -----BEGIN\ [A-Z\ ]{0,30}PRIVATE\ KEY-----[^-]{0,16384}(?:-----END\ [A-Z\ ]{0,30}KEY-----)?
    """,
    re.VERBOSE,
)

_QUERY = re.compile(r"([?&])([^=&#\s]{1,200})=([^&#\s\"'<>]+)")
_QUERY_NAMES = frozenset({"key", "code"})
"""Secret in a query (Google's API keys, OAuth codes), everyday words in a payload."""
_SCHEME = re.compile(r"^(Bearer|Basic|Token|Digest|Bot|ApiKey|GenieKey)\s+\S", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/\s:@]{0,200}:[^/\s@]{1,400}(?=@)")

DEPTH_MAX = 200
"""Values nested deeper are masked whole; no payload of ours is that deep."""


class Redactor:
    """Masks the secrets it was given, and everything that looks like one."""

    __slots__ = ("_known",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        joined = "|".join(re.escape(form) for form in longest_first)
        self._known = re.compile(joined) if joined else None

    def known(self, value: Any) -> Any:
        """Mask only the secrets that are known, anywhere in a JSON value.

        For what later steps still work with: a token a target has just given stays usable.
        """
        return value if self._known is None else _mapped(value, self._mask_known, DEPTH_MAX)

    def _mask_known(self, text: str) -> str:
        return text if self._known is None else self._known.sub(MASK, text)

    def text(self, text: str) -> str:
        """Mask known secrets, tokens of known shape, and secrets in URLs."""
        text = _SHAPES.sub(MASK, self._mask_known(text))
        if "://" in text or "?" in text:
            text = _USERINFO.sub(MASK, text)
            text = _QUERY.sub(_query_field, text)
        return text

    def field(self, name: str, value: str) -> str:
        """Mask the value of a header or query field by its name, and what its text gives away."""
        if not is_sensitive(name) or not value:
            return self.text(value)
        scheme = _SCHEME.match(value)
        return f"{scheme.group(1)} {MASK}" if scheme else MASK

    def fields(self, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Mask header fields, keeping their order."""
        return [(name, self.field(name, value)) for name, value in pairs]

    def value(self, value: Any) -> Any:
        """Mask a JSON value: texts under sensitive names, and what any text gives away."""
        return self._value(value, DEPTH_MAX)

    def _value(self, value: Any, depth: int) -> Any:
        if depth <= 0:
            return MASK
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(str(name)): self._member(str(name), inner, depth)
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._value(item, depth - 1) for item in value]
        return value

    def _member(self, name: str, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.field(name, value)
        if isinstance(value, list) and is_sensitive(name):
            return [self.field(name, item) if isinstance(item, str) else item for item in value]
        return self._value(value, depth - 1)

    def __repr__(self) -> str:
        return "Redactor()"  # what it masks is secret


def _mapped(value: Any, change: Callable[[str], str], depth: int) -> Any:
    """Change every text in a JSON value, member names included."""
    if isinstance(value, str):
        return change(value)
    if depth <= 0:
        return MASK
    if isinstance(value, dict):
        return {change(str(name)): _mapped(item, change, depth - 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change, depth - 1) for item in value]
    return value


@lru_cache(maxsize=64)
def redactor(secrets: frozenset[str]) -> Redactor:
    """Return the redactor of a set of secrets, made once."""
    return Redactor(secrets)


def is_sensitive(name: str) -> bool:
    """Whether a header, query field or member of this name holds a secret."""
    return bool(_NAMES.search(name)) and not _NOT_NAMES.search(name)


def _query_field(found: re.Match[str]) -> str:
    mark, name, value = found.groups()
    is_secret = is_sensitive(name) or name.lower() in _QUERY_NAMES
    return f"{mark}{name}={MASK if is_secret else value}"


def _forms(secret: str) -> Iterable[str]:
    """Yield a secret as it is written plainly, in URLs, in JSON and in basic authentication."""
    if len(secret) < SECRET_LENGTH_MIN:
        return
    data = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield quote(data, safe="")
    yield base64.b64encode(data).decode("ascii")
    yield base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
    yield data.hex()
    escaped = msgspec.json.encode(data.decode("utf-8", "replace")).decode()[1:-1]
    if len(escaped) >= SECRET_LENGTH_MIN:
        yield escaped
