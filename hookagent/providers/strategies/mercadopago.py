"""Mercado Pago: HMAC-SHA256 over a manifest in which absent values leave out their segment.

    id:<data.id in lower case>;request-id:<x-request-id>;ts:<ts>;

The body is not covered. The header is `ts=…,v1=…`, framed by the scheme's own keys.
"""

from hashlib import sha256

from hookagent.event import RawRequest
from hookagent.providers.candidates import find_groups
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.freshness import stamp_reader
from hookagent.providers.mac import decoded, hmac_maker, matching
from hookagent.providers.refusal import Refusal
from hookagent.providers.secret import key_of
from hookagent.providers.signing import Signing, put_signature
from hookagent.providers.view import View
from hookagent.verdict import Code

ID = "data.id"
REQUEST_ID = "x-request-id"


def check(circumstances: Circumstances) -> Check:
    """Build the check."""
    scheme = circumstances.scheme
    makers = [hmac_maker(key_of(s, scheme.secret), "sha256") for s in circumstances.secrets]
    read_stamp = stamp_reader(scheme, circumstances.tolerance_ms)

    def judge(view: View, now: int) -> Proof:
        groups = find_groups(view, scheme)
        if not makers:
            raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret yet")
        for group in groups:
            text, signed_at = read_stamp(view, group.timestamp, now)
            content = manifest(view, text)
            index = matching(decoded(group, scheme), [make(content) for make in makers])
            if index is not None:
                return Proof(index, signed_at, sha256(content + view.request.body).digest())
        raise Refusal(Code.MISMATCH, "the signature does not match the source's secrets")

    return judge


def manifest(view: View, timestamp: bytes) -> bytes:
    """Write the manifest; a doubled value is refused, a missing one left out."""
    text = b""
    if ID.encode() in view.query:
        text += b"id:" + view.query_field(ID).lower() + b";"
    if REQUEST_ID in view.request.headers:
        text += b"request-id:" + view.header(REQUEST_ID) + b";"
    return text + (b"ts:" + timestamp + b";" if timestamp else b"")


def sign(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign the manifest of what the request has."""
    make = hmac_maker(key_of(signing.secret, signing.scheme.secret), "sha256")
    content = manifest(signing.view(request), signing.stamp.encode())
    return put_signature(signing, request, make(content))
