"""JSON Web Tokens (RFC 7519): signed statements that bind the body, the URL, or only the sender.

The allowed algorithms come from the scheme, never from the token, and an algorithm with a shared
key never meets a public one.
"""

import hashlib
import warnings
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key, OctKey, import_key

from hookagent.payload import Parsed, read_json
from hookagent.providers.candidates import find_groups
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.claims import check_claims
from hookagent.providers.keyring import Keyring
from hookagent.providers.publickeys import PublicKey, fits
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.secret import key_of, wrong_secret
from hookagent.providers.shape import Family, JwtRules
from hookagent.providers.view import View
from hookagent.verdict import Code, Integrity

TOKEN_BYTES_MAX = 16 * 1024
BODY_TOKEN_BYTES_MAX = 1024 * 1024
FAMILIES: Mapping[str, Family] = {"RS": Family.RSA, "PS": Family.RSA_PSS, "ES": Family.ECDSA}
HEADER_BYTES_MAX = 4096


class Opener:
    """Opens tokens of one source: its keys, and the algorithms it allows."""

    def __init__(self, circumstances: Circumstances, rules: JwtRules) -> None:
        self.algorithms = rules.algorithms
        self.shared = _shared_keys(circumstances, rules)
        known = (FAMILIES.get(name[:2]) for name in rules.algorithms)
        families = frozenset(family for family in known if family)
        self.ring = Keyring(circumstances, families) if families else None
        self.registry = jws.JWSRegistry(algorithms=rules.algorithms, strict_check_header=False)
        self.registry.max_payload_length = BODY_TOKEN_BYTES_MAX
        self.registry.max_header_length = HEADER_BYTES_MAX

    def open(self, token: bytes, view: View, now: int) -> tuple[dict[str, Any], int | None]:
        """Return the claims of a rightly signed token and which key it was. Raises Refusal."""
        algorithm, kid = self._header(token)
        if algorithm not in self.algorithms:
            raise Refusal(Code.MALFORMED, "the token's algorithm is not one this scheme allows")
        for index, key in self._keys(algorithm, kid, view, now):
            payload = self._payload(token, key, algorithm)
            if payload is not None:
                return _claims(payload), index
        raise Refusal(Code.MISMATCH, "the token is not signed with the source's key")

    def _header(self, token: bytes) -> tuple[str, str]:
        """Return algorithm and key id as the token states them; neither is trusted."""
        try:
            header = jws.extract_compact(token, registry=self.registry).headers()
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise Refusal(Code.MALFORMED, "the token is not a JSON Web Token") from error
        algorithm, kid = header.get("alg"), header.get("kid", "")
        if not isinstance(algorithm, str) or not isinstance(kid, str):
            raise Refusal(Code.MALFORMED, "the token's header has no algorithm")
        return algorithm, kid

    def _keys(
        self,
        algorithm: str,
        kid: str,
        view: View,
        now: int,
    ) -> list[tuple[int | None, Key]]:
        """Return the keys of the algorithm's kind: shared ones never meet public ones."""
        if algorithm.startswith("HS"):
            if not self.shared:
                raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret for this algorithm")
            return list(enumerate(self.shared))
        assert self.ring is not None
        family = FAMILIES[algorithm[:2]]
        keys = self.ring.keys_for(view, 0, now, kid)
        return [(index, public_jwk(key, family)) for index, key in keys if fits(key, family)]

    def _payload(self, token: bytes, key: Key, algorithm: str) -> bytes | None:
        try:
            opened = jws.deserialize_compact(token, key, [algorithm], self.registry)
        except (JoseError, ValueError, TypeError, RecursionError):
            return None
        return opened.payload


def jwt_check(circumstances: Circumstances) -> Check:
    """Build the check of a JWT scheme."""
    scheme = circumstances.scheme
    rules = rules_of(scheme)
    opener = Opener(circumstances, rules)
    is_body_bound = scheme.integrity is Integrity.BODY

    def check(view: View, now: int) -> Proof:
        token = _token(view, scheme, rules)
        claims, index = opener.open(token, view, now)
        check_claims(claims, rules, view, now, circumstances.tolerance_ms)
        signed = token.rpartition(b".")[0]
        key = hashlib.sha256(signed).digest() if is_body_bound else b""
        return Proof(index, issued_at(claims), key)

    return check


def rules_of(scheme: Scheme) -> JwtRules:
    """Return the rules; a JWT scheme always has them (`read_scheme` sees to it)."""
    assert scheme.jwt is not None
    return scheme.jwt


def _shared_keys(circumstances: Circumstances, rules: JwtRules) -> list[OctKey]:
    """Import the secrets for HS algorithms; public keys among them are left out."""
    if not any(name.startswith("HS") for name in rules.algorithms):
        return []
    form = circumstances.scheme.secret
    return [
        shared_key(key_of(secret, form))
        for secret in circumstances.secrets
        if "-----BEGIN" not in secret
    ]


def shared_key(key: bytes) -> OctKey:
    """Import a shared key; short ones are the provider's choice (config warns of them)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return OctKey.import_key(key)
        except ValueError:
            raise wrong_secret(
                "wrong-secret-form",
                "the secret is a public key where a shared secret is needed",
                "copy the shared secret",
            ) from None


def public_jwk(key: PublicKey, family: Family) -> Key:
    """Import a public key of `cryptography` into the JOSE library."""
    pem = key.public_bytes(
        serialization.Encoding.PEM,
        serialization.PublicFormat.SubjectPublicKeyInfo,
    )
    return import_key(pem, "EC" if family is Family.ECDSA else "RSA")


def _token(view: View, scheme: Scheme, rules: JwtRules) -> bytes:
    """Cut the token out of its header, or take the body."""
    if rules.in_body:
        token, most = view.request.body.strip(), BODY_TOKEN_BYTES_MAX
        if not token:
            raise Refusal(Code.MISSING, "the body is empty where a token should be")
    else:
        token, most = find_groups(view, scheme)[0].signatures[0], TOKEN_BYTES_MAX
    if len(token) > most:
        raise Refusal(Code.MALFORMED, f"the token is larger than {most} bytes")
    return token


def _claims(payload: bytes) -> dict[str, Any]:
    parsed = read_json(payload)
    if not isinstance(parsed, Parsed) or not isinstance(parsed.value, dict):
        raise Refusal(Code.MALFORMED, "the token's payload is not a JSON object")
    return parsed.value


def issued_at(claims: dict[str, Any]) -> int | None:
    """Return the claim `iat` in Unix milliseconds."""
    value = claims.get("iat")
    return int(value * 1000) if isinstance(value, int) and not isinstance(value, bool) else None
