"""Paddle Classic: RSA-SHA1 over PHP's `serialize()` of the form's fields, sorted by name.

(dj-paddle/dj-paddle, `djpaddle/utils.py`.) The field `p_signature` is left out.
"""

from hashlib import sha256

from hookagent.event import RawRequest
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import decode_base64, encode_base64
from hookagent.providers.keyring import Keyring
from hookagent.providers.placing import put
from hookagent.providers.privatekeys import make_signature, read_private_key
from hookagent.providers.publickeys import verifies
from hookagent.providers.refusal import Refusal
from hookagent.providers.shape import Family, Location
from hookagent.providers.signing import Signing
from hookagent.providers.view import Fields, View
from hookagent.verdict import Code

FIELD = "p_signature"
HASH = "sha1"


def check(circumstances: Circumstances) -> Check:
    """Build the check."""
    ring = Keyring(circumstances, frozenset({Family.RSA}))

    def judge(view: View, now: int) -> Proof:
        signature = decode_base64(view.form_field(FIELD, Code.MISSING))
        if signature is None:
            raise Refusal(Code.MALFORMED, f"form field `{FIELD}` is not base64")
        content = php_serialized(view.form)
        for index, key in ring.keys_for(view, 0, now):
            if verifies(key, Family.RSA, HASH, signature, content):
                return Proof(index, None, sha256(content).digest())
        raise Refusal(Code.MISMATCH, "the signature is not one of Paddle's key")

    return judge


def php_serialized(fields: Fields) -> bytes:
    """Write the fields as PHP's `serialize()` does an array of strings."""
    items: list[bytes] = []
    for name in sorted(fields):
        if name == FIELD.encode():
            continue
        if len(fields[name]) > 1:
            raise Refusal(Code.DOUBLED, "a form field is there more than once")
        items.append(_string(name) + _string(fields[name][0]))
    return b"a:%d:{%b}" % (len(items), b"".join(items))


def _string(text: bytes) -> bytes:
    return b's:%d:"%b";' % (len(text), text)


def sign(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign with a private RSA key."""
    key = read_private_key(signing.secret, Family.RSA)
    content = php_serialized(signing.view(request).form)
    signature = make_signature(key, Family.RSA, HASH, content)
    return put(request, Location("form", (FIELD,)), encode_base64(signature).decode())
