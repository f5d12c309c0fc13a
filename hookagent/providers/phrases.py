"""Says in words what a scheme is: for the document of all providers."""

from collections.abc import Mapping
from typing import Any

from hookagent.providers.provider import Variant
from hookagent.providers.scheme import Scheme
from hookagent.providers.shape import Family, Timestamp

ENCODINGS: Mapping[str, str] = {
    "hex": "hexadecimal",
    "hex-upper": "hexadecimal in capitals",
    "base64": "base64",
    "base64url": "base64url",
    "base64url-padded": "base64url with padding",
}
FORMS: Mapping[str, str] = {
    "utf-8": "the text as it is",
    "base64": "decoded from base64",
    "base64url": "decoded from base64url",
    "hex": "decoded from hexadecimal",
    "pem": "PEM",
}
PUBLIC_KEY_STRATEGIES = frozenset({"aws-sns", "ebay", "paddle-classic"})
STAMPS: Mapping[str, str] = {
    "unix": "Unix seconds",
    "unix-ms": "Unix milliseconds",
    "rfc3339": "RFC 3339",
    "iso-utc": "ISO 8601 without a zone",
}


def describe_scheme(variant: Variant) -> str:
    """Return one or more sentences on how a delivery is proved."""
    scheme = variant.scheme
    if scheme is None:
        return f"`{variant.table.get('algorithm', '')}`, completed by the source."
    sentences = [f"{_proof(scheme)}{_place(scheme)}."]
    if scheme.family in {Family.HMAC, Family.HASH} or scheme.is_asymmetric:
        sentences.append(f"Signs {code(scheme.signed.text)}, written in {_encoding(scheme)}.")
    if scheme.jwt is not None:
        sentences.append(_jwt(scheme))
    if scheme.message is not None:
        sentences.append(_message(scheme))
    if scheme.timestamp is not None:
        sentences.append(_timestamp(scheme.timestamp))
    if scheme.require_headers:
        pairs = ", ".join(f"`{name}: {value}`" for name, value in scheme.require_headers)
        sentences.append(f"Wants {pairs}.")
    if scheme.keys is not None:
        sentences.append("The public key is fetched from " + ", ".join(scheme.keys.hosts) + ".")
    return " ".join(sentences)


def integrity_of(variant: Variant) -> str:
    """Return how much of a delivery a scheme covers."""
    return str(variant.scheme.integrity) if variant.scheme else "as completed"


def secret_phrase(variant: Variant) -> str:
    """Return what the source's secret is."""
    scheme = variant.scheme
    if scheme is None:
        return "given by the source"
    if scheme.family is Family.NONE:
        return "none"
    if scheme.keys is not None:
        return "none, the public key is fetched; it can be given to work offline"
    if scheme.family is Family.BASIC:
        return "`user:password`"
    if _takes_public_key(scheme) and not scheme.is_asymmetric:
        return "the provider's public key, PEM"
    form = FORMS[scheme.secret.form]
    kind = "the provider's public key, PEM or " if scheme.is_asymmetric else ""
    strip = " or ".join(f"`{prefix}`" for prefix in scheme.secret.strip)
    words = [f"{kind}{form}"]
    words += [f"without {strip}"] if strip else []
    words += [f"with `{scheme.secret.append}` behind it"] if scheme.secret.append else []
    words += [f"hashed with {scheme.secret.hash.upper()}"] if scheme.secret.hash else []
    words += [f"normalised ({scheme.secret.normalize})"] if scheme.secret.normalize else []
    return ", ".join(words)


def _takes_public_key(scheme: Scheme) -> bool:
    """Whether the receiver holds the sender's public key."""
    if scheme.jwt is not None:
        return not scheme.jwt.algorithms[0].startswith("HS")
    if scheme.message is not None:
        return not scheme.message.algorithm.startswith("hmac")
    return scheme.is_asymmetric or scheme.strategy in PUBLIC_KEY_STRATEGIES


def code(text: str) -> str:
    """Return text as Markdown code on one line."""
    return "`" + text.replace("\n", "\\n") + "`"


def _proof(scheme: Scheme) -> str:
    if scheme.strategy:
        return f"A shape of its own, `{scheme.strategy}`"
    return f"`{scheme.algorithm}`"


def _place(scheme: Scheme) -> str:
    """Say where the signature stands and how several are written."""
    if not scheme.place.kind:
        return " in Authorization" if scheme.family is Family.BASIC else ""
    framing = scheme.framing
    text = f" in {scheme.place}"
    if framing.kind == "pairs":
        text += f", the pairs {code(framing.tag + framing.assign + '…')}"
        text += f" with {code(framing.separator)} between"
    elif framing.kind == "list":
        text += f", a list with {code(framing.separator)} between"
    elif framing.kind == "timestamp-list":
        text += ", a list that begins with the timestamp"
    return text + (f", behind {code(framing.prefix)}" if framing.prefix else "")


def _encoding(scheme: Scheme) -> str:
    return ENCODINGS[scheme.framing.encoding]


def _timestamp(timestamp: Timestamp) -> str:
    seconds = timestamp.tolerance_ms // 1000
    window = f"{seconds} s either way" if seconds else "its age is not checked"
    return f"Timestamp: {STAMPS[timestamp.format]} in {timestamp.place}, {window}."


def _jwt(scheme: Scheme) -> str:
    assert scheme.jwt is not None
    rules = scheme.jwt
    words = ["Algorithms " + ", ".join(rules.algorithms)]
    claims: Mapping[str, Any] = {
        "iss": rules.issuer,
        "aud": rules.audience,
        "sub": rules.subject,
    }
    words += [f"{name} {' or '.join(map(code, value))}" for name, value in claims.items() if value]
    if rules.body_claim:
        words.append(f"{code(rules.body_claim)} holds the body's {rules.body_hash.upper()}")
    if rules.url_claim:
        words.append(f"{code(rules.url_claim)} holds the address's hash")
    if rules.qsh:
        words.append("`qsh` binds method, path and query")
    if rules.in_body:
        words.append("the body is the token")
    return "; ".join(words) + "."


def _message(scheme: Scheme) -> str:
    assert scheme.message is not None
    components = ", ".join(map(code, scheme.message.components))
    return f"Algorithm {scheme.message.algorithm}; {components} must be covered."
