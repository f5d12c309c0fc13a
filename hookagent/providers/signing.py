"""The signing side of shared-secret schemes, and what all signers share."""

import hashlib
from base64 import b64encode
from typing import Any

import msgspec

from hookagent.event import RawRequest
from hookagent.lookup import MISSING, first
from hookagent.payload import Parsed, read_json
from hookagent.providers.codec import ENCODERS
from hookagent.providers.content import Given, compile_content
from hookagent.providers.mac import hmac_maker
from hookagent.providers.placing import put, put_header, put_json
from hookagent.providers.scheme import Scheme
from hookagent.providers.secret import key_of
from hookagent.providers.shape import Family, Framing
from hookagent.providers.stamp import format_stamp
from hookagent.providers.view import View


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature is made from besides the request."""

    scheme: Scheme
    secret: str
    now: int
    """Unix milliseconds."""
    message_id: str
    settings: dict[str, str]

    @property
    def stamp(self) -> str:
        """The time of signing as the scheme writes it."""
        rule = self.scheme.timestamp
        return format_stamp(self.now, rule.format) if rule else ""

    def view(self, request: RawRequest) -> View:
        """Return a view of the request."""
        return View(request, self.settings, json_part=self.scheme.json_part)

    def content(self, request: RawRequest, secret: bytes = b"") -> bytes:
        """Return the signed bytes. Raises Refusal where the request lacks something."""
        view = self.view(request)
        id_header = self.scheme.id_header
        given = Given(
            timestamp=self.stamp.encode(),
            id=view.header(id_header) if id_header else b"",
            secret=secret,
        )
        return compile_content(self.scheme.signed)(view, given)

    def __repr__(self) -> str:
        return f"Signing({self.scheme.name})"  # the secret stays out of tracebacks


def sign_mac(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign with an HMAC or a plain hash."""
    scheme = signing.scheme
    key = key_of(signing.secret, scheme.secret)
    if scheme.family is Family.HASH:
        content = signing.content(request, key)
        signature = hashlib.new(scheme.hash, content, usedforsecurity=False).digest()
    else:
        signature = hmac_maker(key, scheme.hash)(signing.content(request))
    return put_signature(signing, request, signature)


def put_signature(signing: Signing, request: RawRequest, signature: bytes) -> RawRequest:
    """Write a signature the scheme's way and put it where it belongs."""
    framing = signing.scheme.framing
    encoded = ENCODERS[framing.encoding](signature).decode()
    text = framed(framing, framing.prefix + encoded, signing)
    return put(request, signing.scheme.place, text)


def framed(framing: Framing, signature: str, signing: Signing) -> str:
    """Put a signature into its list, beside the timestamp where that stands there."""
    if framing.kind == "timestamp-list":
        return f"{signing.stamp}{framing.separator}{signature}"
    if framing.kind != "pairs":
        return signature
    if framing.quoted:
        signature = f'"{signature}"'
    tag = framing.tag
    if tag.startswith("{config:"):
        tag = signing.settings.get(tag[8:-1], "")
    pair = f"{'key' if tag == '*' else tag}{framing.assign}{signature}"
    rule = signing.scheme.timestamp
    if rule is None or rule.place.kind != "tag":
        return pair
    return f"{rule.place.name}{framing.assign}{signing.stamp}{framing.separator}{pair}"


def sign_static(signing: Signing, request: RawRequest) -> RawRequest:
    """Put the token, the user and password, or nothing."""
    scheme = signing.scheme
    if scheme.family is Family.NONE:
        return request
    if scheme.family is Family.BASIC:
        pair = b64encode(key_of(signing.secret, scheme.secret)).decode()
        return put_header(request, "Authorization", f"Basic {pair}")
    token = key_of(signing.secret, scheme.secret).decode("utf-8", "surrogateescape")
    if scheme.each:
        return _put_each(request, scheme, token)
    return put(
        request, scheme.place, framed(scheme.framing, scheme.framing.prefix + token, signing)
    )


def _put_each(request: RawRequest, scheme: Scheme, token: str) -> RawRequest:
    """Put the token into every element of the list; a missing list becomes one of one element."""
    parsed = read_json(request.body)
    document: Any = parsed.value if isinstance(parsed, Parsed) else {}
    items = first(scheme.each, document)
    if items is MISSING or not items:
        request = put_json(request, scheme.each, [{}])
    return put_json(request, (*scheme.each, *scheme.place.path), token)
