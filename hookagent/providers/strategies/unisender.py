"""Unisender Go: the body's MD5 stands in the body itself, in place of the API key.

The sender writes the JSON with the key as `auth`, hashes it, and puts the hash where the key was.
"""

import hashlib
import hmac
from hashlib import sha256

import msgspec

from hookagent.event import RawRequest
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import decode_hex
from hookagent.providers.placing import put_json
from hookagent.providers.refusal import Refusal
from hookagent.providers.secret import key_of
from hookagent.providers.signing import Signing
from hookagent.providers.view import View
from hookagent.verdict import Code

FIELD = "auth"
MD5_BYTES = 16


def check(circumstances: Circumstances) -> Check:
    """Build the check."""
    form = circumstances.scheme.secret
    keys = [key_of(secret, form) for secret in circumstances.secrets]

    def judge(view: View, _now: int) -> Proof:
        text = view.json_text((FIELD,), FIELD, Code.MISSING)
        given = decode_hex(text)
        if given is None or len(given) != MD5_BYTES:
            raise Refusal(Code.MALFORMED, f"payload field `{FIELD}` is not an MD5 in hex")
        body = view.request.body
        if body.count(text) != 1:
            raise Refusal(Code.DOUBLED, f"the value of `{FIELD}` is there more than once")
        if not keys:
            raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret yet")
        found: int | None = None
        for index, key in enumerate(keys):
            right = _md5(body.replace(text, key))
            if hmac.compare_digest(given, right) and found is None:
                found = index
        if found is None:
            raise Refusal(Code.MISMATCH, f"payload field `{FIELD}` does not match the API key")
        return Proof(found, None, sha256(body).digest())

    return judge


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def sign(signing: Signing, request: RawRequest) -> RawRequest:
    """Hash the body with the key in it, then put the hash in the key's place."""
    key = key_of(signing.secret, signing.scheme.secret)
    placeholder = "0" * (2 * MD5_BYTES)
    body = put_json(request, (FIELD,), placeholder).body
    if body.count(placeholder.encode()) != 1:
        raise Refusal(Code.DOUBLED, "the payload holds a run of 32 zeros")
    digest = _md5(body.replace(placeholder.encode(), key)).hex()
    return msgspec.structs.replace(
        request,
        body=body.replace(placeholder.encode(), digest.encode()),
    )
