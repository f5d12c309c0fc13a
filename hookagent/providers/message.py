"""HTTP message signatures (RFC 9421), both sides.

The algorithm comes from the scheme. A request with a body must have its Content-Digest covered and
right, so that the body is bound.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple

import msgspec

from hookagent.event import RawRequest
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.mac import hmac_maker, matching
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.secret import key_of
from hookagent.providers.shape import Family, MessageRules
from hookagent.providers.signaturebase import check_content_digest, content_digest, signature_base
from hookagent.providers.signing import Signing
from hookagent.providers.stamp import check_age
from hookagent.providers.structured import (
    Component,
    Member,
    Parameters,
    parse_dictionary,
    serialize_item,
    serialize_parameters,
)
from hookagent.providers.view import View
from hookagent.verdict import Code

HMAC = "hmac-sha256"
ALGORITHMS: Mapping[str, tuple[Family, str]] = {
    "ed25519": (Family.ED25519, ""),
    "ecdsa-p256-sha256": (Family.ECDSA, "sha256"),
    "rsa-pss-sha512": (Family.RSA_PSS, "sha512"),
    "rsa-v1_5-sha256": (Family.RSA, "sha256"),
}
FIELD = "Signature-Input"


class Signed(NamedTuple):
    """One signature of a message, taken apart."""

    components: tuple[Component, ...]
    parameters: Parameters
    signature: bytes

    def parameter(self, name: str) -> object:
        """Return a parameter, or None."""
        return dict(self.parameters).get(name)

    def covers(self, name: str) -> bool:
        """Whether a component is covered."""
        return any(component.name == name for component in self.components)


Prover = Callable[[View, bytes, Signed, int], int | None]
"""Returns which key a signature base is signed with, or raises Refusal."""


def message_check(circumstances: Circumstances) -> Check:
    """Build the check of an RFC 9421 scheme."""
    rules = rules_of(circumstances.scheme)
    proves = _hmac_proof(circumstances) if rules.algorithm == HMAC else _key_proof(circumstances)
    window = rules.max_age_seconds * 1000
    if circumstances.tolerance_ms is not None:
        window = circumstances.tolerance_ms

    def check(view: View, now: int) -> Proof:
        signed = _find(view, _label(rules, view))
        signed_at = _check_parameters(signed, rules, now, window)
        _check_coverage(view, signed, rules)
        base = signature_base(view, signed.components, signed.parameters)
        index = proves(view, base, signed, now)
        return Proof(index, signed_at, sha256(base).digest() if rules.covers_body else b"")

    return check


def rules_of(scheme: Scheme) -> MessageRules:
    """Return the rules; such a scheme always has them (`read_scheme` sees to it)."""
    assert scheme.message is not None
    return scheme.message


def _label(rules: MessageRules, view: View) -> str:
    if rules.label.startswith("{config:"):
        return view.settings.get(rules.label[8:-1], "")
    return rules.label


def _hmac_proof(circumstances: Circumstances) -> Prover:
    form = circumstances.scheme.secret
    makers = [hmac_maker(key_of(secret, form), "sha256") for secret in circumstances.secrets]

    def prove(_view: View, base: bytes, signed: Signed, _now: int) -> int | None:
        if not makers:
            raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret yet")
        index = matching([signed.signature], [make(base) for make in makers])
        if index is None:
            raise Refusal(Code.MISMATCH, "the signature does not match the source's secrets")
        return index

    return prove


def _key_proof(circumstances: Circumstances) -> Prover:
    from hookagent.providers.keyring import Keyring
    from hookagent.providers.publickeys import verifies

    algorithm = rules_of(circumstances.scheme).algorithm
    family, hash_name = ALGORITHMS[algorithm]
    ring = Keyring(circumstances, frozenset({family}))

    def prove(view: View, base: bytes, signed: Signed, now: int) -> int | None:
        keyid = signed.parameter("keyid")
        p1363 = family is Family.ECDSA
        for index, key in ring.keys_for(view, 0, now, keyid if isinstance(keyid, str) else ""):
            if verifies(key, family, hash_name, signed.signature, base, p1363=p1363):
                return index
        raise Refusal(Code.MISMATCH, "the signature is not one of the sender's key")

    return prove


def _find(view: View, label: str) -> Signed:
    """Return the labelled signature, or the only one."""
    inputs = parse_dictionary(view.header(FIELD, Code.MISSING).decode("latin-1"))
    values = parse_dictionary(view.header("Signature", Code.MISSING).decode("latin-1"))
    if not inputs or not values:
        raise Refusal(Code.MALFORMED, "`Signature-Input` or `Signature` cannot be read")
    if not label:
        if len(inputs) > 1:
            raise Refusal(Code.TOO_MANY, "several signatures, and the source names no label")
        label = next(iter(inputs))
    covered, value = inputs.get(label), values.get(label)
    if covered is None or value is None:
        raise Refusal(Code.MISSING, f"no signature labelled `{label}`")
    return _taken_apart(covered, value)


def _taken_apart(covered: Member, value: Member) -> Signed:
    if not isinstance(covered.value, tuple) or not isinstance(value.value, bytes):
        raise Refusal(Code.MALFORMED, "the signature is not of the form RFC 9421 gives it")
    return Signed(covered.value, covered.parameters, value.value)


def _check_parameters(signed: Signed, rules: MessageRules, now: int, window: int) -> int | None:
    """Check algorithm and times; return when it was signed."""
    algorithm = signed.parameter("alg")
    if algorithm is not None and algorithm != rules.algorithm:
        raise Refusal(Code.MALFORMED, "the signature is of another algorithm than the scheme's")
    created, expires = signed.parameter("created"), signed.parameter("expires")
    if window and isinstance(expires, int) and now > expires * 1000:
        raise Refusal(Code.STALE, f"the signature expired {now // 1000 - expires} s ago")
    if not isinstance(created, int) or isinstance(created, bool):
        if window:
            raise Refusal(Code.MISSING_TIMESTAMP, "the signature has no `created`")
        return None
    check_age(created * 1000, now, window)
    return created * 1000


def _check_coverage(view: View, signed: Signed, rules: MessageRules) -> None:
    """Refuse a signature that leaves out what the scheme wants covered, or the body."""
    for name in rules.components:
        if not signed.covers(name):
            raise Refusal(Code.MISSING_PART, f"component `{name}` is not covered")
    if signed.covers("content-digest"):
        check_content_digest(view)
    elif rules.covers_body and view.request.body:
        raise Refusal(Code.MISSING_PART, "the body is not covered: no `content-digest`")


def sign_message(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign by RFC 9421: the scheme's components, and the body's digest when there is one."""
    scheme = signing.scheme
    rules = rules_of(scheme)
    names = list(rules.components) or ["@method", "@target-uri"]
    if request.body and "content-digest" not in names:
        names.append("content-digest")
    headers = request.headers
    if "content-digest" in names:
        headers = headers.with_fields({"Content-Digest": content_digest(request.body)})
    request = msgspec.structs.replace(request, headers=headers)
    components = tuple(Component(name) for name in names)
    parameters: Parameters = (("created", signing.now // 1000), ("alg", rules.algorithm))
    view = signing.view(request)
    signature = _make(signing, rules, signature_base(view, components, parameters))
    label = _label(rules, view) or "sig1"
    covered = " ".join(str(component) for component in components)
    fields = {
        FIELD: f"{label}=({covered}){serialize_parameters(parameters)}",
        "Signature": f"{label}={serialize_item(signature)}",
    }
    return msgspec.structs.replace(request, headers=headers.with_fields(fields))


def _make(signing: Signing, rules: MessageRules, base: bytes) -> bytes:
    """Make the signature's bytes."""
    if rules.algorithm == HMAC:
        return hmac_maker(key_of(signing.secret, signing.scheme.secret), "sha256")(base)
    from hookagent.providers.privatekeys import make_signature, read_private_key

    family, hash_name = ALGORITHMS[rules.algorithm]
    key = read_private_key(signing.secret, family)
    return make_signature(key, family, hash_name, base, p1363=family is Family.ECDSA)
