"""Twilio: an HMAC over the URL and the form's fields, sorted by name.

With SHA-1 and the Auth Token; with SHA-256 where the scheme says so, for webhooks signed with a
shared key. What the request names as its algorithm is not asked.

JSON requests carry `bodySHA256` in the query instead, and only the URL is signed. Twilio signs some
URLs with their default port and some without, so both are tried (twilio-python,
`twilio/request_validator.py`).
"""

import hashlib
import hmac
from hashlib import sha256
from urllib.parse import urlsplit, urlunsplit

import msgspec

from hookagent.event import RawRequest
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import decode_base64, decode_hex, encode_base64
from hookagent.providers.mac import hmac_maker, matching
from hookagent.providers.placing import put_field, put_header
from hookagent.providers.refusal import Refusal
from hookagent.providers.secret import key_of
from hookagent.providers.shape import DIGEST_BYTES
from hookagent.providers.signing import Signing
from hookagent.providers.view import Fields, View
from hookagent.verdict import Code

HEADER = "X-Twilio-Signature"
BODY_HASH = "bodySHA256"
USUAL_HASH = "sha1"
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def check(circumstances: Circumstances) -> Check:
    """Build the check."""
    form = circumstances.scheme.secret
    name = circumstances.scheme.hash or USUAL_HASH
    size = DIGEST_BYTES[name]
    makers = [hmac_maker(key_of(secret, form), name) for secret in circumstances.secrets]

    def judge(view: View, _now: int) -> Proof:
        given = decode_base64(view.header(HEADER, Code.MISSING))
        if given is None or len(given) != size:
            raise Refusal(Code.MALFORMED, f"header `{HEADER}` is not {size} bytes in base64")
        if not makers:
            raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret yet")
        fields = _fields(view)
        found: tuple[int, bytes] | None = None
        for url in url_forms(view.url.decode("utf-8", "surrogateescape")):
            content = url.encode("utf-8", "surrogateescape") + fields
            index = matching([given], [make(content) for make in makers])
            if index is not None and found is None:
                found = (index, content)
        if found is None:
            raise Refusal(Code.MISMATCH, f"the signature does not match for `{_shown(view)}`")
        key = sha256(fields + view.request.body).digest()
        return Proof(found[0], None, key)

    return judge


def _shown(view: View) -> str:
    """Return the URL without its query, which may hold what should not be shown."""
    return view.url.decode("utf-8", "replace").partition("?")[0]


def _fields(view: View) -> bytes:
    """Return what follows the URL: the form's fields, or nothing after a right body hash."""
    if BODY_HASH.encode() in view.query:
        text = view.query_field(BODY_HASH).lower()
        actual = hashlib.sha256(view.request.body).digest()
        if not hmac.compare_digest(decode_hex(text) or b"", actual):
            raise Refusal(Code.DIGEST, f"query parameter `{BODY_HASH}` is of another body")
        return b""
    return joined(view.form)


def joined(fields: Fields) -> bytes:
    """Join names and values, both sorted; the same value twice counts once."""
    return b"".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))


def url_forms(url: str) -> list[str]:
    """Return the URL as configured, without a port, and with its scheme's default port."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return [url]
    user, at, host = parts.netloc.rpartition("@")
    bare = host.rpartition(":")[0] if port is not None else host
    with_port = f"{bare}:{port or PORTS.get(parts.scheme, 443)}"
    forms = [parts._replace(netloc=f"{user}{at}{name}") for name in (host, bare, with_port)]
    return list(dict.fromkeys(urlunsplit(form) for form in forms))


def sign(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign; a body that is no form gets its hash into the query."""
    content_type = request.headers.text("content-type") or ""
    if request.body and not content_type.startswith("application/x-www-form-urlencoded"):
        query = put_field(request.query, BODY_HASH, sha256(request.body).hexdigest())
        request = msgspec.structs.replace(request, target=f"{request.path}?{query}")
    view = signing.view(request)
    key = key_of(signing.secret, signing.scheme.secret)
    signature = hmac_maker(key, signing.scheme.hash or USUAL_HASH)(view.url + _fields(view))
    return put_header(request, HEADER, encode_base64(signature).decode())
