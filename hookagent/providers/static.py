"""Static proofs: a token in some place, HTTP Basic, or nothing at all.

Tokens are compared as SHA-256 digests, so that the time does not depend on their length.
"""

import hmac
from hashlib import sha256
from typing import Any

from hookagent.lookup import MISSING, first
from hookagent.providers.candidates import find_groups
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import decode_base64_unpadded
from hookagent.providers.refusal import Refusal
from hookagent.providers.secret import key_of
from hookagent.providers.shape import Family
from hookagent.providers.view import View, text_of
from hookagent.verdict import Code

EACH_MAX = 10_000
"""Elements looked at with `each`."""


def static_check(circumstances: Circumstances) -> Check:
    """Build the check of a token, Basic or unchecked scheme."""
    scheme = circumstances.scheme
    if scheme.family is Family.NONE:
        return lambda _view, _now: Proof()
    digests = [sha256(key_of(secret, scheme.secret)).digest() for secret in circumstances.secrets]
    if scheme.family is Family.BASIC:
        return _basic_check(digests)
    if scheme.each:
        return _each_check(circumstances, digests)

    def check(view: View, _now: int) -> Proof:
        tokens = [token for group in find_groups(view, scheme) for token in group.signatures]
        return Proof(_match(tokens, digests, str(scheme.place)))

    return check


def _match(tokens: list[bytes], digests: list[bytes], what: str) -> int:
    """Return which secret a token equals."""
    if not digests:
        raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret yet")
    found: int | None = None
    for index, digest in enumerate(digests):
        for token in tokens:
            if hmac.compare_digest(sha256(token).digest(), digest) and found is None:
                found = index
    if found is None:
        raise Refusal(Code.WRONG_TOKEN, f"{what} is not the source's secret")
    return found


def _basic_check(digests: list[bytes]) -> Check:
    def check(view: View, _now: int) -> Proof:
        value = view.header("Authorization", Code.MISSING).strip()
        scheme, _, credentials = value.partition(b" ")
        if scheme.lower() != b"basic":
            raise Refusal(Code.MISSING, "header `Authorization` is not of the scheme Basic")
        pair = decode_base64_unpadded(credentials.strip())
        if pair is None or b":" not in pair:
            raise Refusal(Code.MALFORMED, "header `Authorization` is not base64 of user:password")
        return Proof(_match([pair], digests, "user and password"))

    return check


def _each_check(circumstances: Circumstances, digests: list[bytes]) -> Check:
    """Build a check of the same token in every element of a list; an empty list proves nothing."""
    scheme = circumstances.scheme

    def check(view: View, _now: int) -> Proof:
        items = first(scheme.each, view.document) if view.document is not MISSING else MISSING
        if not isinstance(items, list) or not items:
            raise Refusal(Code.MISSING, f"the payload has no list with {scheme.place}")
        if len(items) > EACH_MAX:
            raise Refusal(Code.TOO_MANY, f"more than {EACH_MAX} elements")
        matched = {
            _match([_token(item, scheme.place.path)], digests, str(scheme.place)) for item in items
        }
        return Proof(min(matched))

    def _token(item: Any, path: tuple[str | int, ...]) -> bytes:
        text = text_of(first(path, item))
        if text is None:
            raise Refusal(Code.MISSING, f"an element lacks {scheme.place}")
        return text

    return check
