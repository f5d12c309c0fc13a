"""HMACs, and the plain hashes of secret and content that some providers use instead."""

import hashlib
import hmac
from collections.abc import Callable

from hookagent.providers.candidates import Group, find_groups
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import DECODERS
from hookagent.providers.content import Given, compile_content
from hookagent.providers.freshness import check_surroundings, stamp_reader
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.secret import key_of
from hookagent.providers.shape import DIGEST_BYTES, Family
from hookagent.providers.view import View
from hookagent.verdict import Code, Integrity

Maker = Callable[[bytes], bytes]
"""From the signed content to the signature, with one key."""


def hmac_maker(key: bytes, algorithm: str) -> Maker:
    """Return a function that makes HMACs (RFC 2104) with one key, which is scheduled only once.

    Two plain hashes, begun with the key, cost less than `hmac` with its own objects around them.
    """
    inner, outer = hashlib.new(algorithm), hashlib.new(algorithm)
    if len(key) > inner.block_size:
        key = hashlib.new(algorithm, key).digest()
    key = key.ljust(inner.block_size, b"\0")
    inner.update(bytes(byte ^ 0x36 for byte in key))
    outer.update(bytes(byte ^ 0x5C for byte in key))
    copy_inner, copy_outer = inner.copy, outer.copy

    def make(content: bytes) -> bytes:
        hashed = copy_inner()
        hashed.update(content)
        mac = copy_outer()
        mac.update(hashed.digest())
        return mac.digest()

    return make


def mac_check(circumstances: Circumstances) -> Check:
    """Build the check of an HMAC or plain hash scheme."""
    scheme = circumstances.scheme
    keys = [key_of(secret, scheme.secret) for secret in circumstances.secrets]
    expected = _expected(scheme, keys)
    read_stamp = stamp_reader(scheme, circumstances.tolerance_ms)
    is_body = scheme.signed.is_body and scheme.integrity is Integrity.BODY

    def check(view: View, now: int) -> Proof:
        groups = find_groups(view, scheme)
        message_id = check_surroundings(view, scheme)
        stamps = [read_stamp(view, group.timestamp, now) for group in groups]
        if not keys:
            raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret yet")
        for group, (text, signed_at) in zip(groups, stamps, strict=True):
            content, right = expected(view, Given(timestamp=text, id=message_id))
            found = matching(decoded(group, scheme), right)
            if found is not None:
                covered = b"" if is_body else hashlib.sha256(content).digest()
                return Proof(found, signed_at, covered)
        raise Refusal(Code.MISMATCH, _mismatch(groups, len(keys)))

    return check


Expected = Callable[[View, Given], tuple[bytes, list[bytes]]]
"""Makes the signed content (without the secret) and the right signature for each key."""


def _expected(scheme: Scheme, keys: list[bytes]) -> Expected:
    render = compile_content(scheme.signed)
    if scheme.family is Family.HASH:
        return lambda view, given: (
            render(view, given),
            [_hash(scheme.hash, render(view, given._replace(secret=key))) for key in keys],
        )
    makers = [hmac_maker(key, scheme.hash) for key in keys]

    def macs(view: View, given: Given) -> tuple[bytes, list[bytes]]:
        content = render(view, given)
        return content, [make(content) for make in makers]

    return macs


def _hash(name: str, content: bytes) -> bytes:
    return hashlib.new(name, content, usedforsecurity=False).digest()


def decoded(group: Group, scheme: Scheme) -> list[bytes]:
    """Decode a group's signatures; refuse when none has the right form and length."""
    decode = DECODERS[scheme.framing.encoding]
    size = DIGEST_BYTES[scheme.hash]
    values = [decode(text) for text in group.signatures]
    right = [value for value in values if value is not None and len(value) == size]
    if group.signatures and not right:
        detail = f"{scheme.place} is not {size} bytes in {scheme.framing.encoding}"
        raise Refusal(Code.MALFORMED, detail)
    return right


def matching(candidates: list[bytes], expected: list[bytes]) -> int | None:
    """Return the index of the first expected value a candidate equals; looks at every pair."""
    found: int | None = None
    for index, right in enumerate(expected):
        for candidate in candidates:
            if hmac.compare_digest(candidate, right) and found is None:
                found = index
    return found


def _mismatch(groups: list[Group], keys: int) -> str:
    count = sum(len(group.signatures) for group in groups)
    signatures = "the signature" if count == 1 else f"none of {count} signatures"
    secrets = "the secret" if keys == 1 else f"any of {keys} secrets"
    verb = "does not match" if count == 1 else "matches"
    return f"{signatures} {verb} {secrets}"
