"""What a rightly signed JWT must say: who, for whom, when, and about which body and URL."""

import hashlib
import hmac
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from hookagent.providers.codec import DECODERS
from hookagent.providers.refusal import Refusal
from hookagent.providers.shape import JwtRules
from hookagent.providers.view import View, text_of
from hookagent.verdict import Code

Claims = dict[str, Any]


def check_claims(
    claims: Claims,
    rules: JwtRules,
    view: View,
    now: int,
    tolerance_ms: int | None,
) -> None:
    """Refuse a token whose claims are not what the scheme asks for."""
    for name, allowed in (
        ("iss", rules.issuer),
        ("aud", rules.audience),
        ("sub", rules.subject),
    ):
        _check_name(claims, name, allowed, view)
    for name, value in rules.require:
        wanted = filled(value, view) if isinstance(value, str) else value
        if not same(claims.get(name), wanted):
            raise Refusal(Code.CLAIM, f"claim `{name}` is not what it must be")
    if tolerance_ms != 0:
        _check_times(claims, rules, now, tolerance_ms)
    _check_body(claims, rules, view)
    _check_url(claims, rules, view)


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from true."""
    return type(one) is type(other) and bool(one == other)


def filled(text: str, view: View) -> str:
    """Put a setting or the URL in for a value of that form."""
    if text == "{url}":
        return view.url.decode("utf-8", "surrogateescape")
    if text.startswith("{config:") and text.endswith("}"):
        return view.setting(text[8:-1])
    return text


def _check_name(claims: Claims, name: str, allowed: tuple[str, ...], view: View) -> None:
    """Check issuer, audience or subject; an audience may be a list that holds ours."""
    if not allowed:
        return
    wanted = {filled(text, view) for text in allowed}
    value = claims.get(name)
    values = value if isinstance(value, list) and name == "aud" else [value]
    if not any(isinstance(item, str) and item in wanted for item in values):
        raise Refusal(Code.CLAIM, f"claim `{name}` is not one this source accepts")


def _check_times(claims: Claims, rules: JwtRules, now: int, tolerance_ms: int | None) -> None:
    leeway = rules.leeway_seconds * 1000
    expires = _moment(claims, "exp")
    if expires is None and rules.expiry:
        raise Refusal(Code.CLAIM, "claim `exp` is missing")
    if expires is not None and now >= expires + leeway:
        raise Refusal(Code.STALE, f"the token expired {(now - expires) // 1000} s ago")
    starts = _moment(claims, "nbf")
    if starts is not None and now + leeway < starts:
        raise Refusal(Code.AHEAD, f"the token is valid in {(starts - now) // 1000} s only")
    _check_issue(claims, rules.max_age_seconds * 1000, leeway, now, tolerance_ms)


def _check_issue(
    claims: Claims,
    most: int,
    leeway: int,
    now: int,
    tolerance_ms: int | None,
) -> None:
    """Check how long ago the token was issued."""
    issued = _moment(claims, "iat")
    if issued is not None and issued > now + leeway:
        raise Refusal(Code.AHEAD, f"the token was issued {(issued - now) // 1000} s in the future")
    if not most:
        return
    if issued is None:
        raise Refusal(Code.MISSING_TIMESTAMP, "claim `iat` is missing")
    if now - issued > (most if tolerance_ms is None else tolerance_ms):
        raise Refusal(Code.STALE, f"the token was issued {(now - issued) // 1000} s ago")


SECONDS_MAX = 10**11


def _moment(claims: Claims, name: str) -> int | None:
    """Return a NumericDate (RFC 7519 section 2) in Unix milliseconds."""
    value = claims.get(name)
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value < SECONDS_MAX
    ):
        raise Refusal(Code.CLAIM, f"claim `{name}` is not a time")
    return int(value * 1000)


def _check_body(claims: Claims, rules: JwtRules, view: View) -> None:
    if not rules.body_claim:
        return
    body = view.request.body
    if rules.body_claim not in claims:
        if body or rules.body_required:
            raise Refusal(Code.CLAIM, f"claim `{rules.body_claim}` with the body's hash is missing")
        return
    digest = hashlib.new(rules.body_hash, body, usedforsecurity=False).digest()
    _check_digest(claims, rules.body_claim, rules.body_encoding, digest)


def _check_url(claims: Claims, rules: JwtRules, view: View) -> None:
    if rules.qsh:
        digest = hashlib.sha256(query_hash_text(view)).digest()
        _check_digest(claims, "qsh", "hex", digest)
    if not rules.url_claim:
        return
    if rules.url_hash:
        digest = hashlib.new(rules.url_hash, view.url, usedforsecurity=False).digest()
        _check_digest(claims, rules.url_claim, rules.url_encoding, digest)
    elif not same(claims.get(rules.url_claim), view.url.decode("utf-8", "surrogateescape")):
        raise Refusal(Code.CLAIM, f"claim `{rules.url_claim}` is another URL than the source's")


def _check_digest(claims: Claims, name: str, encoding: str, digest: bytes) -> None:
    text = text_of(claims.get(name))
    given = DECODERS[encoding](text) if text is not None else None
    if given is None or not hmac.compare_digest(given, digest):
        code = Code.CLAIM if given is None else Code.DIGEST
        raise Refusal(code, f"claim `{name}` is not the hash of what arrived")


def query_hash_text(view: View) -> bytes:
    """Write the canonical request of Atlassian's `qsh`: METHOD&path&sorted query without `jwt`."""
    path = view.request.path.rstrip("/").replace("&", "%26") or "/"
    fields: dict[str, list[str]] = {}
    for item in view.request.query.split("&"):
        name, _, value = item.partition("=")
        if item and name != "jwt":
            fields.setdefault(_encoded(name), []).append(_encoded(value))
    query = "&".join(f"{name}={','.join(sorted(fields[name]))}" for name in sorted(fields))
    return f"{view.request.method.upper()}&{path}&{query}".encode("utf-8", "surrogateescape")


def _encoded(text: str) -> str:
    """Percent-encode as RFC 3986 has it, whatever encoding it came in."""
    raw = unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape"))
    return quote(raw, safe="-._~")
