"""Who may talk to the inspector: pure checks of a request's head, made before anything else.

A page in the operator's browser, another user of the machine and a tunnel pointed at the wrong port
can all reach a loopback socket. So the address must be ours (DNS rebinding), nothing may have
passed a proxy, a token is needed even to read, and whatever changes something must come from our
own page or from a program that knows the token (docs/inspector.md, "Who may talk to it").
"""

import hmac
import secrets
from collections.abc import Mapping

import msgspec

SAFE_METHODS = frozenset({"GET", "HEAD"})
FORWARDING = (
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-real-ip",
    "via",
    "cf-connecting-ip",
    "cf-ray",
)
FORWARDING_PREFIXES = ("x-forwarded-", "ngrok-", "x-ngrok-", "cf-", "fly-", "tailscale-")
"""Headers that only a proxy or a tunnel adds."""
OWN_HEADER = "X-Hookagent"
"""A page of another site cannot add it without being asked first, and it never gets leave."""
OWN_SITES = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says when our own page, or nobody's, asks."""
INSPECTOR_PATH = "/__inspector"
"""Answers with the mark by which a tunnel's probe knows that it leads to the wrong port."""
OPEN_PATHS = frozenset({INSPECTOR_PATH, "/healthz", "/readyz"})
"""They tell nothing but that the agent is there and well."""
PAGE = "/"
TOKEN_BYTES = 32


class Refused(msgspec.Struct, frozen=True):
    """Why a request is not answered; says nothing that came from it."""

    status: int
    error: str
    message: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks look at: the head of one request."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Any case, as aiohttp's; the first of several."""
    hosts: tuple[str, ...]
    """Every Host header."""
    cookie: str = ""
    """The session cookie's value, or empty."""


WRONG_HOST = Refused(421, "wrong-host", "This address is not the inspector's own.")
FORWARDED = Refused(403, "forwarded", "The inspector is not reached through a proxy or tunnel.")
NO_TOKEN = Refused(
    401, "unauthorized", "Open the inspector with the address that `hookagent serve` printed."
)
FOREIGN = Refused(403, "cross-site", "Another site's page may not use the inspector.")
BAD_METHOD = Refused(405, "method-not-allowed", "The inspector does not take this method.")
NO_MARK = Refused(403, "header-missing", f"A change needs the header `{OWN_HEADER}: 1`.")
NOT_JSON = Refused(415, "not-json", "A change is sent as `application/json`.")
MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Door:
    """The token of one run, the session it is exchanged for, and the port they belong to."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self.port = port
        self.token = token or secrets.token_urlsafe(TOKEN_BYTES)
        self.session = secrets.token_urlsafe(TOKEN_BYTES)
        self.cookie = f"hookagent-{port}"
        """Cookies ignore ports, so two agents would overwrite each other's."""
        names = ("127.0.0.1", "localhost", "[::1]")
        self.hosts = frozenset(f"{name}:{port}" for name in names)
        self.origins = frozenset(f"http://{host}" for host in self.hosts)

    def refusal(self, asked: Asked) -> Refused | None:
        """Return why a request is refused, or None where it may pass."""
        if len(asked.hosts) != 1 or asked.hosts[0].lower() not in self.hosts:
            return WRONG_HOST
        if is_forwarded(asked.headers):
            return FORWARDED
        if asked.method not in SAFE_METHODS | MUTATING:
            return BAD_METHOD
        return self._foreign(asked) or self._unknown(asked) or self._careless(asked)

    def is_token(self, offered: str) -> bool:
        """Whether this is the token, compared in constant time."""
        return hmac.compare_digest(offered.encode("utf-8", "replace"), self.token.encode())

    def _foreign(self, asked: Asked) -> Refused | None:
        """Refuse what another site's page started; a plain link to our page is no harm."""
        origin = asked.headers.get("Origin")
        if origin is not None and origin not in self.origins:
            return FOREIGN
        if origin is not None and origin != f"http://{asked.hosts[0].lower()}":
            return FOREIGN
        site = asked.headers.get("Sec-Fetch-Site")
        if site is None or site in OWN_SITES:
            return None
        is_link = (
            asked.path == PAGE
            and asked.method in SAFE_METHODS
            and asked.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        )
        return None if is_link else FOREIGN

    def _unknown(self, asked: Asked) -> Refused | None:
        """Refuse whoever shows neither the session's cookie nor the token."""
        if asked.path in OPEN_PATHS and asked.method in SAFE_METHODS:
            return None
        if asked.cookie and hmac.compare_digest(
            asked.cookie.encode("utf-8", "replace"), self.session.encode()
        ):
            return None
        return None if self._bears_token(asked) else NO_TOKEN

    def _bears_token(self, asked: Asked) -> bool:
        scheme, _, offered = asked.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(offered.strip())

    def _careless(self, asked: Asked) -> Refused | None:
        """Refuse a change that a form or an image of any page could have asked for."""
        if asked.method in SAFE_METHODS:
            return None
        if "Origin" not in asked.headers and not self._bears_token(asked):
            return FOREIGN  # a browser always sends it with a change; a program has the token
        if asked.headers.get(OWN_HEADER) != "1":
            return NO_MARK
        media = asked.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return None if media == "application/json" else NOT_JSON


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Whether a proxy or tunnel passed this request on."""
    names = {name.lower() for name in headers}
    return not names.isdisjoint(FORWARDING) or any(
        name.startswith(FORWARDING_PREFIXES) for name in names
    )
