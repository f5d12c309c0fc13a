"""eBay: ECDSA with SHA-1 over the body; the header is base64 of `{alg, kid, signature, digest}`.

(eBay/event-notification-nodejs-sdk, `lib/validator.js`.) The key id names a key of eBay's
Notification API; which algorithm is used is ours to say, not the header's.
"""

from hashlib import sha256
from typing import Any

import msgspec

from hookagent.event import RawRequest
from hookagent.payload import Parsed, read_json
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import decode_base64, encode_base64
from hookagent.providers.keyring import Keyring
from hookagent.providers.placing import put_header
from hookagent.providers.privatekeys import make_signature, read_private_key
from hookagent.providers.publickeys import verifies
from hookagent.providers.refusal import Refusal
from hookagent.providers.shape import Family
from hookagent.providers.signing import Signing
from hookagent.providers.view import View
from hookagent.verdict import Code

HEADER = "X-EBAY-SIGNATURE"
HASH = "sha1"
KEY_ID_CHARACTERS = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")


def check(circumstances: Circumstances) -> Check:
    """Build the check."""
    ring = Keyring(circumstances, frozenset({Family.ECDSA}))

    def judge(view: View, now: int) -> Proof:
        kid, signature = _parts(view.header(HEADER, Code.MISSING))
        body = view.request.body
        for index, key in ring.keys_for(view, 0, now, kid):
            if verifies(key, Family.ECDSA, HASH, signature, body):
                return Proof(index, None, sha256(body).digest())
        raise Refusal(Code.MISMATCH, "the signature is not one of eBay's key")

    return judge


def _parts(header: bytes) -> tuple[str, bytes]:
    """Take the header apart."""
    text = decode_base64(header)
    parsed = read_json(text) if text else None
    members: Any = parsed.value if isinstance(parsed, Parsed) else None
    if not isinstance(members, dict):
        raise Refusal(Code.MALFORMED, f"header `{HEADER}` is not base64 of a JSON object")
    kid, value = members.get("kid", ""), members.get("signature")
    signature = decode_base64(value.encode()) if isinstance(value, str) else None
    if signature is None or not isinstance(kid, str) or not set(kid) <= KEY_ID_CHARACTERS:
        raise Refusal(Code.MALFORMED, f"header `{HEADER}` holds no signature with a key id")
    return kid, signature


def sign(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign with a private key on P-256."""
    key = read_private_key(signing.secret, Family.ECDSA)
    signature = make_signature(key, Family.ECDSA, HASH, request.body)
    members = {
        "alg": "ecdsa",
        "kid": "00000000-0000-4000-8000-000000000000",
        "signature": encode_base64(signature).decode(),
        "digest": "SHA1",
    }
    return put_header(request, HEADER, encode_base64(msgspec.json.encode(members)).decode())
