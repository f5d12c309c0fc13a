"""Signing adds exactly what the scheme needs, and the same every time."""

import json

import pytest

from hookagent.errors import ConfigError, UsageError
from hookagent.event import Headers, RawRequest
from hookagent.lookup import parse_path
from hookagent.providers import catalog
from hookagent.providers.placing import put, put_field, put_json
from hookagent.providers.shape import Family, Location
from hookagent.providers.sign import sign
from tests.providers.kit import NOW, kit, scheme_names

RANDOM = {Family.ECDSA, Family.RSA_PSS}
"""Whose signatures have randomness of their own."""


def has_randomness(name: str) -> bool:
    scheme = kit(name).scheme
    return (
        scheme.family in RANDOM
        or scheme.strategy == "ebay"
        or (scheme.jwt is not None and scheme.jwt.algorithms[0][:2] in {"ES", "PS"})
        or (scheme.message is not None and scheme.message.algorithm[:3] in {"ecd", "rsa"})
    )


@pytest.mark.parametrize("name", [name for name in scheme_names() if not has_randomness(name)])
def test_the_same_arguments_give_the_same_bytes(name: str) -> None:
    assert kit(name).signed() == kit(name).signed()


def test_a_request_signed_again_carries_one_signature() -> None:
    for name in ("github", "stripe", "svix", "mailgun", "pandadoc", "twilio"):
        kitted = kit(name)
        again = kitted.signed(kitted.signed(), NOW + 60_000)
        assert kitted.verifier().verify(again, NOW + 60_000).valid, name


def test_what_stripe_sends() -> None:
    scheme = catalog.scheme("stripe")
    signed = sign(scheme, RawRequest(body=b"{}"), "whsec_test", now=1_700_000_000_999)
    value = signed.headers.text("stripe-signature") or ""
    assert value.startswith("t=1700000000,v1=")
    assert len(value) == len("t=1700000000,v1=") + 64


def test_a_message_id_is_made_up_from_content_and_time() -> None:
    scheme = catalog.scheme("standard-webhooks")
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    def id_of(body: bytes, now: int) -> str | None:
        return sign(scheme, RawRequest(body=body), secret, now=now).headers.text("webhook-id")

    assert id_of(b"a", 1_000) == id_of(b"a", 1_000)
    assert len({id_of(b"a", 1_000), id_of(b"a", 2_000), id_of(b"b", 1_000)}) == 3


def test_signed_parts_the_request_lacks_are_added_and_others_kept() -> None:
    kitted = kit("paypal")
    signed = kitted.signed()
    assert signed.headers.text("paypal-transmission-id") == "msg_2Lh9"
    assert "T" in (signed.headers.text("paypal-transmission-time") or "")
    kept = RawRequest(headers=Headers.of({"PAYPAL-TRANSMISSION-ID": "mine"}), body=b"{}")
    assert kitted.signed(kept).headers.text("paypal-transmission-id") == "mine"


def test_what_cannot_be_signed_is_said() -> None:
    with pytest.raises(UsageError, match="public URL"):
        sign(catalog.scheme("square"), RawRequest(body=b"{}"), "key", now=NOW)
    with pytest.raises(UsageError, match="callback_url"):
        sign(catalog.scheme("trello"), RawRequest(body=b"{}"), "key", now=NOW)
    with pytest.raises(ConfigError, match="blank"):
        sign(catalog.scheme("github"), RawRequest(body=b"{}"), "", now=NOW)
    with pytest.raises(ConfigError, match="private key"):
        sign(catalog.scheme("discord"), RawRequest(body=b"{}"), "not pem", now=NOW)


def test_values_are_put_where_they_belong() -> None:
    request = RawRequest(target="/p?a=1&b=2", body=b"x=1&y=2")
    assert put(request, Location("query", ("a",)), "n w").target == "/p?b=2&a=n%20w"
    assert put(request, Location("form", ("x",)), "+").body == b"y=2&x=%2B"
    assert put(request, Location("header", ("X-S-{n}",)), "v").headers.text("x-s-1") == "v"
    assert put(RawRequest(), Location("query", ("a",)), "v").target == "/?a=v"
    assert put_field("", "a b", "") == "a%20b="


@pytest.mark.parametrize(
    ("body", "path", "result"),
    [
        (b'{"a":{"b":1}}', "a.c", b'{"a":{"b":1,"c":"v"}}'),
        (b"", "a.b", b'{"a":{"b":"v"}}'),
        (b'{"a":[{},{}]}', "a.b", b'{"a":[{"b":"v"},{"b":"v"}]}'),
        (b'{"a":[1,2]}', "a[1]", b'{"a":[1,"v"]}'),
        (b'{"a":[]}', "a[0].b", b'{"a":[{"b":"v"}]}'),
        (b"not json", "a", b'{"a":"v"}'),
    ],
)
def test_members_are_put_into_the_payload(body: bytes, path: str, result: bytes) -> None:
    assert put_json(RawRequest(body=body), parse_path(path), "v").body == result


def test_a_timestamp_in_the_payload_is_a_number() -> None:
    for name, member in (("pusher", "time_ms"), ("linear", "webhookTimestamp")):
        signed = sign(catalog.scheme(name), RawRequest(body=b"{}"), "a fake secret", now=NOW)
        assert json.loads(signed.body)[member] == NOW
