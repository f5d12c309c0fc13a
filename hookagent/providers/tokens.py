"""The signing side of JWT schemes: claims that the same rules accept."""

import hashlib
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import Key, import_key

from hookagent.event import RawRequest
from hookagent.providers.claims import filled, query_hash_text
from hookagent.providers.codec import ENCODERS
from hookagent.providers.jwt import FAMILIES, rules_of, shared_key
from hookagent.providers.placing import put
from hookagent.providers.privatekeys import read_private_key
from hookagent.providers.secret import key_of
from hookagent.providers.shape import Family, JwtRules
from hookagent.providers.signing import Signing, framed
from hookagent.providers.view import View

LIFETIME_SECONDS = 300


def sign_jwt(signing: Signing, request: RawRequest) -> RawRequest:
    """Make a token with the first algorithm the scheme allows, and put it in its place."""
    scheme = signing.scheme
    rules = rules_of(scheme)
    algorithm = _algorithm(signing, rules)
    claims = _body_claims(request) if rules.in_body else {}
    claims |= _claims(signing, rules, signing.view(request))
    header = {"alg": algorithm, "typ": "JWT"}
    token = jws.serialize_compact(
        header,
        msgspec.json.encode(claims),
        _key(signing, algorithm),
        [algorithm],
    )
    if rules.in_body:
        return msgspec.structs.replace(request, body=token.encode())
    text = framed(scheme.framing, scheme.framing.prefix + token, signing)
    return put(request, scheme.place, text)


def _body_claims(request: RawRequest) -> dict[str, Any]:
    """Take the JSON body as claims where the body becomes the token."""
    try:
        value = msgspec.json.decode(request.body) if request.body else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _algorithm(signing: Signing, rules: JwtRules) -> str:
    """Choose by the secret: a private key cannot make an HS token, nor a shared one another."""
    is_pem = "-----BEGIN" in signing.secret
    fitting = [name for name in rules.algorithms if (name[:2] != "HS") == is_pem]
    return (fitting or list(rules.algorithms))[0]


def _key(signing: Signing, algorithm: str) -> Key:
    if algorithm.startswith("HS"):
        return shared_key(key_of(signing.secret, signing.scheme.secret))
    family = FAMILIES[algorithm[:2]]
    read_private_key(signing.secret, family)  # says what is wrong with it
    return import_key(signing.secret.strip(), "EC" if family is Family.ECDSA else "RSA")


def _claims(signing: Signing, rules: JwtRules, view: View) -> dict[str, Any]:
    """Make every claim the rules ask for."""
    seconds = signing.now // 1000
    claims: dict[str, Any] = {"iat": seconds, "nbf": seconds, "jti": signing.message_id}
    claims["exp"] = seconds + LIFETIME_SECONDS
    names = (("iss", rules.issuer), ("aud", rules.audience), ("sub", rules.subject))
    claims |= {name: filled(allowed[0], view) for name, allowed in names if allowed}
    for name, value in rules.require:
        claims[name] = filled(value, view) if isinstance(value, str) else value
    if rules.body_claim and (view.request.body or rules.body_required):
        digest = hashlib.new(rules.body_hash, view.request.body, usedforsecurity=False).digest()
        claims[rules.body_claim] = ENCODERS[rules.body_encoding](digest).decode()
    if rules.qsh:
        claims["qsh"] = hashlib.sha256(query_hash_text(view)).hexdigest()
    if rules.url_claim:
        claims[rules.url_claim] = _url_claim(rules, view)
    return claims


def _url_claim(rules: JwtRules, view: View) -> str:
    if not rules.url_hash:
        return view.url.decode("utf-8", "surrogateescape")
    digest = hashlib.new(rules.url_hash, view.url, usedforsecurity=False).digest()
    return ENCODERS[rules.url_encoding](digest).decode()
