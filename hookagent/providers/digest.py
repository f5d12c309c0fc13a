"""Hashes of the body that a request carries itself."""

import hashlib
import hmac

from hookagent.providers.codec import DECODERS
from hookagent.providers.refusal import Refusal
from hookagent.providers.shape import Digest
from hookagent.providers.view import View
from hookagent.verdict import Code


def body_digest(rule: Digest, body: bytes) -> bytes:
    """Return the hash of a body by a scheme's rule."""
    return hashlib.new(rule.hash, body, usedforsecurity=False).digest()


def check_digest(view: View, rule: Digest) -> None:
    """Refuse a body that is not the one whose hash the request carries."""
    text = view.at(rule.place)
    prefix = rule.prefix.encode()
    given = DECODERS[rule.encoding](text[len(prefix) :]) if text.startswith(prefix) else None
    if given is None:
        raise Refusal(Code.DIGEST, f"{rule.place} is not a {rule.hash} digest in {rule.encoding}")
    if not hmac.compare_digest(given, body_digest(rule, view.request.body)):
        raise Refusal(Code.DIGEST, f"{rule.place} is the digest of another body")
