"""Signatures with public keys: Ed25519, ECDSA on P-256, RSA with either padding."""

from hashlib import sha256

from hookagent.event import RawRequest
from hookagent.providers.candidates import Group, find_groups
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import DECODERS
from hookagent.providers.content import Given, compile_content
from hookagent.providers.freshness import check_surroundings, stamp_reader
from hookagent.providers.keyring import Key, Keyring
from hookagent.providers.privatekeys import make_signature, read_private_key
from hookagent.providers.publickeys import verifies
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.signing import Signing, put_signature
from hookagent.providers.view import View
from hookagent.verdict import Code


def asymmetric_check(circumstances: Circumstances) -> Check:
    """Build the check of a public-key scheme."""
    scheme = circumstances.scheme
    ring = Keyring(circumstances, frozenset({scheme.family}))
    render = compile_content(scheme.signed)
    read_stamp = stamp_reader(scheme, circumstances.tolerance_ms)

    def check(view: View, now: int) -> Proof:
        groups = find_groups(view, scheme)
        message_id = check_surroundings(view, scheme)
        for group in groups:
            text, signed_at = read_stamp(view, group.timestamp, now)
            content = render(view, Given(timestamp=text, id=message_id))
            keys = ring.keys_for(view, group.source, now)
            found = _matching(scheme, keys, _decoded(group, scheme), content)
            if found is not None:
                return Proof(found[0], signed_at, sha256(content).digest())
        raise Refusal(Code.MISMATCH, "the signature is not one of the provider's key")

    return check


def _decoded(group: Group, scheme: Scheme) -> list[bytes]:
    decode = DECODERS[scheme.framing.encoding]
    values = [decode(text) for text in group.signatures]
    right = [value for value in values if value]
    if group.signatures and not right:
        raise Refusal(Code.MALFORMED, f"{scheme.place} is not {scheme.framing.encoding}")
    return right


def _matching(
    scheme: Scheme, keys: list[Key], signatures: list[bytes], content: bytes
) -> Key | None:
    """Return the first key one of the signatures is of."""
    p1363 = is_p1363(scheme)
    for key in keys:
        for signature in signatures:
            if verifies(key[1], scheme.family, scheme.hash, signature, content, p1363=p1363):
                return key
    return None


def is_p1363(scheme: Scheme) -> bool:
    """Whether ECDSA signatures are written as r and s side by side."""
    return scheme.algorithm.endswith("-p1363")


def sign_asymmetric(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign with a private key."""
    scheme = signing.scheme
    key = read_private_key(signing.secret, scheme.family)
    content = signing.content(request)
    signature = make_signature(
        key,
        scheme.family,
        scheme.hash,
        content,
        p1363=is_p1363(scheme),
    )
    return put_signature(signing, request, signature)
