"""Says in words what a scheme is: for the document of all providers."""

from collections.abc import Mapping
from typing import Any

from hookagent.providers.provider import Answer, Variant
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
BODIES: Mapping[str, str] = {
    "json": "JSON",
    "form": "a form",
    "json-or-form": "JSON or a form, as the content type says",
    "any": "taken whatever it is",
}
HANDSHAKES: Mapping[str, str] = {
    "challenge-json": "a POST with a challenge in its JSON is answered with it",
    "challenge-query": "a GET with a challenge in its query is answered with it",
    "challenge-header": "a request with a challenge in a header is answered with it",
    "head": "HEAD is answered 200",
    "reachable": "a GET is answered 200",
    "ping-form": "an unsigned form with nothing but a number is answered 200 and not stored",
    "ping": "a test delivery is answered and not stored",
    "hmac-query": "a GET with a challenge is answered with its signature",
    "hmac-json": "a POST with a challenge is answered with its signature",
    "braintree": "a GET with a challenge is answered with its signature",
    "ebay": "a GET with a challenge is answered with its hash",
    "fitbit": "a GET is answered by whether its code is the source's",
    "linkedin": "a GET with a challenge is answered with its signature",
    "key-header": "hands over the key in a header, taken only while the source is armed",
    "key-json": "hands over the key in its JSON, taken only while the source is armed",
    "subscription": "a confirmation of a topic that is wanted is answered by asking its address",
    "validation-event": "a genuine validation event is answered with its code",
    "webhook-origin": "OPTIONS is answered with the origin and rate that are allowed",
    "intent": "an empty delivery is answered 200 or 401, as its signature is right or wrong",
    "fixed-answer": "every delivery is answered with the text the provider wants",
    "echo-header": "every answer gives a header of the request back",
}
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
    if scheme.is_key_published:
        return "none, the public key is fetched; it can be given to work offline"
    if scheme.family is Family.BASIC:
        return "`user:password`"
    if scheme.key_family is not None and not scheme.is_asymmetric:
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


def body_phrase(variant: Variant) -> str:
    """Return how the body is read."""
    scheme = variant.scheme
    if scheme is not None and scheme.json_part:
        return f"JSON in the form field or part `{scheme.json_part}`"
    if scheme is not None and scheme.jwt is not None and scheme.jwt.in_body:
        return "a JSON Web Token; its claims are the payload"
    return BODIES[variant.body]


def answer_phrase(answer: Answer) -> str:
    """Return what the provider takes for success and how long it waits for it."""
    deadline = f" within {answer.deadline_seconds} s" if answer.deadline_seconds else ""
    unknown = "" if deadline else "; how long it waits is not stated"
    return f"{answer.accepts}{deadline}{unknown}"


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
