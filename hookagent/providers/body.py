"""Bodies whose payload is not the body itself: a token's claims, or JSON inside a form.

What a delivery says is read from here once it was verified; the verifier reads the same bytes.
"""

from urllib.parse import urlencode

import msgspec

from hookagent.event import RawRequest
from hookagent.payload import Payload, Unparsed, read_json
from hookagent.providers.codec import DECODERS
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.view import View

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

_decode = DECODERS["base64url"]


def is_wrapped(scheme: Scheme) -> bool:
    """Whether a scheme's payload has to be taken out of the body."""
    return bool(scheme.json_part) or (scheme.jwt is not None and scheme.jwt.in_body)


def unwrapped(scheme: Scheme, request: RawRequest) -> Payload:
    """Read the payload a scheme carries inside its body; total."""
    if scheme.jwt is not None and scheme.jwt.in_body:
        return claims_of(request.body)
    try:
        text = View(request, {}, json_part=scheme.json_part).json_bytes
    except Refusal as refusal:
        return Unparsed(refusal.detail)
    return read_json(text)


def claims_of(token: bytes) -> Payload:
    """Read the claims of a JSON Web Token in compact form; its signature is not looked at."""
    parts = token.strip().split(b".")
    claims = _decode(parts[1]) if len(parts) == 3 else None  # noqa: PLR2004 - header, claims, signature
    return Unparsed("not a JSON Web Token") if claims is None else read_json(claims)


def wrapped(scheme: Scheme, request: RawRequest) -> RawRequest:
    """Put a payload that came as JSON where the scheme carries it: into a field of a form."""
    content_type = request.headers.text("content-type") or JSON
    if not scheme.json_part or not content_type.startswith(JSON):
        return request
    fields = {scheme.json_part: request.body.decode("utf-8", "surrogateescape")}
    return msgspec.structs.replace(
        request,
        headers=request.headers.with_fields({"Content-Type": FORM}),
        body=urlencode(fields, errors="surrogateescape").encode(),
    )


def likely_type(read_as: str, body: bytes) -> str:
    """Return the content type a sender would give a body that is read in this way."""
    is_form = b"=" in body and body.lstrip()[:1] not in {b"{", b"["}
    return FORM if read_as == "form" or (read_as != "json" and is_form) else JSON
