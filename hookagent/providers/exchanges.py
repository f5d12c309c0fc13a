"""One function per kind of handshake, and the literal table of them."""

import hmac
import re
from collections.abc import Callable, Mapping
from hashlib import sha256

from hookagent.errors import ConfigError
from hookagent.lookup import first
from hookagent.providers.codec import ENCODERS
from hookagent.providers.exchange import HandshakeRule
from hookagent.providers.pinning import is_pinned
from hookagent.providers.secret import key_of
from hookagent.providers.situation import (
    SAFE_HEADERS,
    HandshakeAnswer,
    Situation,
    as_json,
    given_back,
    is_challenge,
    is_meant,
    plain,
)

Answerer = Callable[[HandshakeRule, Situation], HandshakeAnswer | None]

KEY_SHAPE = re.compile(r"[!-~]{16,512}", re.ASCII)
"""A key a provider hands over: visible ASCII, long enough to be one."""
BRAINTREE_SHAPE = re.compile(r"[a-f0-9]{20,32}", re.ASCII)
TOKEN_SHAPE = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
ORIGIN_SHAPE = re.compile(r"[A-Za-z0-9.:-]{1,253}", re.ASCII)
NUMBER_SHAPE = re.compile(rb"[0-9]{1,20}")
RATE_SHAPE = re.compile(r"[0-9]{1,9}", re.ASCII)
RATE_MAX = 100
"""Requests a minute we say we take (CloudEvents); the sender may ask for fewer."""
VALIDATION_HEADER = "aeg-event-type"
DENIED = HandshakeAnswer(status=403, headers=SAFE_HEADERS)


def _challenge_json(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    payload = situation.payload
    if not isinstance(payload, dict) or not is_meant(rule, situation):
        return None
    text = situation.text(rule.field_path)
    if text is None or not is_challenge(text) or (rule.only and len(payload) != 1):
        return None
    if rule.verified and not situation.verdict.valid:
        return None
    return given_back(rule, text, rule.field.rpartition(".")[2])


def _challenge_query(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    text = situation.query(rule.parameter)
    if text is None or not is_challenge(text) or not is_meant(rule, situation):
        return None
    if rule.token and not _is_known(rule, situation, situation.query(rule.token)):
        return DENIED
    return given_back(rule, text, rule.parameter)


def _is_known(rule: HandshakeRule, situation: Situation, token: str | None) -> bool:
    """Whether a token is the setting's value, or a secret where there is no such setting."""
    setting = situation.settings.get(rule.token_setting, "")
    known = [setting] if setting else list(situation.secrets)
    given = sha256((token or "").encode()).digest()
    return bool(token) and any(
        hmac.compare_digest(given, sha256(value.encode()).digest()) for value in known if value
    )


def _challenge_header(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    text = situation.header(rule.header)
    if text is None or not is_challenge(text) or not text.isascii():
        return None
    if rule.must_equal and situation.settings.get(rule.must_equal) != text:
        return None
    return given_back(rule, text, rule.header)


def _head(_rule: HandshakeRule, _situation: Situation) -> HandshakeAnswer:
    return HandshakeAnswer(headers=SAFE_HEADERS)


def _reachable(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    """Say that we are there: nothing of the request is looked at but who sent it."""
    if rule.verified and not situation.verdict.valid:
        return None
    return HandshakeAnswer(headers=SAFE_HEADERS)


def _ping_form(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    """Answer an unsigned form that holds one number and nothing else; it is not stored."""
    name, _, value = situation.request.body.partition(b"=")
    is_ping = name == rule.field.encode() and NUMBER_SHAPE.fullmatch(value) is not None
    return HandshakeAnswer(headers=SAFE_HEADERS) if rule.field and is_ping else None


def _ping(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    if not rule.header and not rule.when:
        return None
    if rule.header and situation.header(rule.header) != rule.equals:
        return None
    if not is_meant(rule, situation):
        return None
    if rule.verified and not situation.verdict.valid:
        return None if rule.refused == DENIED.status else _refused(rule)
    return HandshakeAnswer(
        status=rule.status,
        body=rule.body.encode(),
        content_type=rule.content_type or "text/plain",
        headers=SAFE_HEADERS,
    )


def _refused(rule: HandshakeRule) -> HandshakeAnswer:
    """Refuse as this provider wants it; Discord removes an address that answers another status."""
    return HandshakeAnswer(status=rule.refused, headers=SAFE_HEADERS)


def _mac(situation: Situation, text: str, encoding: str) -> str | None:
    """Sign a challenge of checked shape with the source's first secret."""
    if not situation.secrets:
        return None
    try:
        key = key_of(situation.secrets[0], situation.scheme.secret)
    except ConfigError:
        return None
    digest = hmac.digest(key, text.encode(), situation.scheme.hash or "sha256")
    return ENCODERS[encoding](digest).decode()


def _hmac_query(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    text = situation.query(rule.parameter)
    if text is None or not re.fullmatch(rule.pattern, text, re.ASCII):
        return None
    signature = _mac(situation, text, rule.encoding)
    return None if signature is None else as_json({rule.member: rule.prefix + signature})


def _hmac_json(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    text = situation.text(rule.field_path) if is_meant(rule, situation) else None
    if text is None or not re.fullmatch(rule.pattern, text, re.ASCII):
        return None
    signature = _mac(situation, text, rule.encoding)
    return None if signature is None else as_json({rule.echo: text, rule.member: signature})


def _braintree(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    text = situation.query(rule.parameter)
    public = situation.settings.get("api_public_key", "")
    if text is None or not BRAINTREE_SHAPE.fullmatch(text) or not public:
        return None
    signature = _mac(situation, text, "hex")
    return None if signature is None else plain(f"{public}|{signature}")


def _ebay(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    """Hash code, verification token and the endpoint as registered."""
    code = situation.query(rule.parameter)
    token = situation.settings.get("verification_token", "")
    endpoint = situation.settings.get("endpoint", "") or _endpoint(situation)
    if code is None or not TOKEN_SHAPE.fullmatch(code) or not token or not endpoint:
        return None
    response = sha256((code + token + endpoint).encode()).hexdigest()
    return as_json({"challengeResponse": response})


def _endpoint(situation: Situation) -> str:
    return situation.base_url + situation.request.path if situation.base_url else ""


def _fitbit(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    code = situation.query(rule.parameter)
    if code is None:
        return None
    setting = HandshakeRule(kind=rule.kind, token_setting="verification_code")  # noqa: S106 - a setting's name
    is_right = _is_known(setting, situation, code)
    return HandshakeAnswer(status=204 if is_right else 404, headers=SAFE_HEADERS)


def _linkedin(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    code = situation.query(rule.parameter)
    if code is None or not TOKEN_SHAPE.fullmatch(code):
        return None
    signature = _mac(situation, code, "hex")
    if signature is None:
        return None
    return as_json({"challengeCode": code, "challengeResponse": signature})


def _key_header(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    key = situation.header(rule.header)
    if key is None or not situation.armed or not KEY_SHAPE.fullmatch(key):
        return None
    return HandshakeAnswer(headers=((rule.header, key), *SAFE_HEADERS), key=key)


def _key_json(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    key = situation.text(rule.field_path)
    if key is None or not situation.armed or not KEY_SHAPE.fullmatch(key):
        return None
    return HandshakeAnswer(headers=SAFE_HEADERS, key=key)


def _subscription(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    """Confirm a subscription that is genuine, wanted, and whose address is the provider's.

    Anybody can have a topic of their own that signs: wanted is one the source names, or any while
    the source is armed.
    """
    if not situation.verdict.valid or not is_meant(rule, situation):
        return None
    if not situation.armed and not situation.settings.get(rule.allowed_by):
        return None
    url = situation.text(rule.field_path)
    if url is None or not is_pinned(url, rule.hosts):
        return None
    return HandshakeAnswer(headers=SAFE_HEADERS, fetch=url)


def _validation_event(_rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    if situation.header(VALIDATION_HEADER) != "SubscriptionValidation":
        return None
    code = first((0, "data", "validationCode"), situation.payload)
    if not isinstance(code, str) or not is_challenge(code) or not situation.verdict.valid:
        return None
    return as_json({"validationResponse": code})


def _webhook_origin(_rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    """Allow the origin that asks (CloudEvents HTTP webhooks, section 4), within the rate."""
    origin = situation.header("WebHook-Request-Origin")
    if origin is None or not ORIGIN_SHAPE.fullmatch(origin):
        return None
    allowed = situation.settings.get("allowed_origin", "")
    if allowed and allowed != origin:
        return DENIED
    headers = [("WebHook-Allowed-Origin", origin), ("Allow", "OPTIONS, POST")]
    rate = situation.header("WebHook-Request-Rate")
    if rate is not None and RATE_SHAPE.fullmatch(rate):
        headers.append(("WebHook-Allowed-Rate", str(min(int(rate), RATE_MAX))))
    return HandshakeAnswer(headers=(*headers, *SAFE_HEADERS))


def _intent(rule: HandshakeRule, situation: Situation) -> HandshakeAnswer | None:
    """Xero's intent to receive: no events; an empty 200 for a right signature, 401 for a wrong."""
    payload = situation.payload
    if (
        not isinstance(payload, dict)
        or payload.get("events") != []
        or not is_meant(rule, situation)
    ):
        return None
    status = 200 if situation.verdict.valid else 401
    return HandshakeAnswer(status=status, headers=SAFE_HEADERS)


ANSWERS: Mapping[str, Answerer] = {
    "challenge-json": _challenge_json,
    "challenge-query": _challenge_query,
    "challenge-header": _challenge_header,
    "head": _head,
    "reachable": _reachable,
    "ping-form": _ping_form,
    "ping": _ping,
    "hmac-query": _hmac_query,
    "hmac-json": _hmac_json,
    "braintree": _braintree,
    "ebay": _ebay,
    "fitbit": _fitbit,
    "linkedin": _linkedin,
    "key-header": _key_header,
    "key-json": _key_json,
    "subscription": _subscription,
    "validation-event": _validation_event,
    "webhook-origin": _webhook_origin,
    "intent": _intent,
}
"""Every kind that is answered here; `fixed-answer` and `echo-header` are part of every answer."""
