"""Contentful: HMAC-SHA256 over method, path, a list of headers that the request names, and body.

(contentful/node-apps-toolkit, `src/requests/sign-request.ts`.) The timestamp must be among the
signed headers, else it would prove nothing.
"""

from hashlib import sha256

from hookagent.event import RawRequest
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import decode_hex
from hookagent.providers.freshness import stamp_reader
from hookagent.providers.mac import hmac_maker, matching
from hookagent.providers.placing import put_header
from hookagent.providers.refusal import Refusal
from hookagent.providers.secret import key_of
from hookagent.providers.signing import Signing
from hookagent.providers.view import View
from hookagent.verdict import Code

SIGNATURE = "X-Contentful-Signature"
SIGNED_HEADERS = "X-Contentful-Signed-Headers"
TIMESTAMP = "x-contentful-timestamp"
SHA256_BYTES = 32
HEADERS_MAX = 32


def check(circumstances: Circumstances) -> Check:
    """Build the check."""
    form = circumstances.scheme.secret
    makers = [hmac_maker(key_of(secret, form), "sha256") for secret in circumstances.secrets]
    read_stamp = stamp_reader(circumstances.scheme, circumstances.tolerance_ms)

    def judge(view: View, now: int) -> Proof:
        given = decode_hex(view.header(SIGNATURE, Code.MISSING))
        if given is None or len(given) != SHA256_BYTES:
            raise Refusal(
                Code.MALFORMED, f"header `{SIGNATURE}` is not {SHA256_BYTES} bytes in hex"
            )
        _, signed_at = read_stamp(view, None, now)
        content = content_of(view)
        if not makers:
            raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret yet")
        index = matching([given], [make(content) for make in makers])
        if index is None:
            raise Refusal(Code.MISMATCH, "the signature does not match the source's secrets")
        return Proof(index, signed_at, sha256(content).digest())

    return judge


def content_of(view: View) -> bytes:
    """Write the canonical request."""
    names = [name.strip().lower() for name in view.header(SIGNED_HEADERS).split(b",")]
    if len(names) > HEADERS_MAX or len(set(names)) != len(names):
        raise Refusal(Code.MALFORMED, f"header `{SIGNED_HEADERS}` is not a list of names")
    if TIMESTAMP.encode() not in names:
        raise Refusal(Code.MISSING_PART, f"header `{TIMESTAMP}` is not signed")
    headers = [name + b":" + view.header(name.decode("latin-1")).strip() for name in sorted(names)]
    method = view.request.method.encode("utf-8", "surrogateescape")
    return b"\n".join([method, view.target, b";".join(headers), view.request.body])


def sign(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign the timestamp and the list itself, as Contentful does at least."""
    names = f"{SIGNED_HEADERS.lower()},{TIMESTAMP}"
    request = put_header(request, SIGNED_HEADERS, names)
    if TIMESTAMP not in request.headers:
        request = put_header(request, TIMESTAMP, signing.stamp or str(signing.now))
    make = hmac_maker(key_of(signing.secret, signing.scheme.secret), "sha256")
    return put_header(request, SIGNATURE, make(content_of(signing.view(request))).hex())
