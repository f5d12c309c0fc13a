"""What a handshake's rule may look at, and the forms its answer can take."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookagent.event import RawRequest
from hookagent.lookup import MISSING, PathError, first
from hookagent.providers.exchange import HandshakeRule
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.view import View
from hookagent.subject import Reference, parse_reference, request_values
from hookagent.verdict import Verdict

CHALLENGE_LENGTH_MAX = 2_048
"""Microsoft Graph's validation tokens are the longest known, under 1 KiB."""
SAFE_HEADERS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))


class HandshakeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider gets, and what is left to do."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()
    key: str = ""
    """A key for the source to keep; the caller stores it before it answers."""
    fetch: str = ""
    """An address on a pinned host that must be fetched to confirm."""

    def __repr__(self) -> str:
        return f"HandshakeAnswer({self.status})"  # the key stays out of logs


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may look at."""

    request: RawRequest
    verdict: Verdict
    scheme: Scheme
    secrets: tuple[str, ...] = ()
    settings: Mapping[str, str] = {}
    base_url: str = ""
    armed: bool = False
    payload: Any = MISSING
    """The body as JSON, or MISSING."""

    @property
    def view(self) -> View:
        """The request's parts, one value of each."""
        return View(self.request, self.settings, self.base_url)

    def query(self, name: str) -> str | None:
        """Return the one value of a query parameter as text, or None."""
        try:
            return self.view.query_field(name).decode("utf-8")
        except (Refusal, UnicodeDecodeError):
            return None

    def header(self, name: str) -> str | None:
        """Return the one value of a header as text, or None."""
        values = self.request.headers.all(name)
        return values[0].decode("latin-1").strip() if len(values) == 1 else None

    def text(self, path: tuple[str | int, ...]) -> str | None:
        """Return a string of the payload, or None."""
        value = first(path, self.payload)
        return value if isinstance(value, str) else None

    def __repr__(self) -> str:
        return f"Situation({self.request.method} {self.request.path})"


def is_meant(rule: HandshakeRule, situation: Situation) -> bool:
    """Whether everything in `when` is as the rule wants it."""
    for name, wanted in rule.when:
        if rule.parameter:
            if situation.query(name) != wanted:
                return False
            continue
        found = request_values(_reference(name), situation.request, situation.payload)
        if len(found) != 1 or type(found[0]) is not type(wanted) or found[0] != wanted:
            return False
    return True


def _reference(name: str) -> Reference:
    """Read a reference of a rule; one that cannot be read names a member as it stands."""
    try:
        return parse_reference(name)
    except PathError:
        return Reference(name, "", (name,))


def is_challenge(text: str | None) -> bool:
    """Whether text may be given back: there, bounded, and without control characters."""
    return bool(text) and len(text or "") <= CHALLENGE_LENGTH_MAX and (text or "").isprintable()


def plain(text: str, *, status: int = 200) -> HandshakeAnswer:
    """Answer with text that no browser takes for a page."""
    return HandshakeAnswer(status=status, body=text.encode(), headers=SAFE_HEADERS)


def as_json(members: Mapping[str, Any], *, status: int = 200) -> HandshakeAnswer:
    """Answer with a JSON object."""
    return HandshakeAnswer(
        status=status,
        body=msgspec.json.encode(members),
        content_type="application/json",
        headers=SAFE_HEADERS,
    )


def given_back(rule: HandshakeRule, text: str, name: str) -> HandshakeAnswer:
    """Give a challenge back as the rule says."""
    if rule.answer == "json":
        return as_json({rule.member or name: text})
    if rule.answer == "header":
        return HandshakeAnswer(headers=((rule.header, text), *SAFE_HEADERS))
    return plain(text)
