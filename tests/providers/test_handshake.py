"""Handshakes answer what a provider asks, and nothing a stranger could turn against us."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookagent.errors import ConfigError
from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.exchange import KINDS, HandshakeRule
from hookagent.providers.handshake import HandshakeAnswer, Handshakes, methods_of
from hookagent.verdict import Code, Verdict
from tests.providers.kit import kit

GOOD = Verdict(valid=True, scheme="s", code=Code.OK)
BAD = Verdict(valid=False, scheme="s", code=Code.MISSING)
SECRET = "shared-secret-0123456789"
SETTINGS = {
    "verify_token": "token-1",
    "api_public_key": "pub",
    "verification_token": "ver",
    "client_id": "client",
    "topic": "https://me.example/feed",
}


def ask(
    name: str,
    verdict: Verdict = BAD,
    *,
    method: str = "POST",
    target: str = "/h",
    body: Any = b"",
    headers: dict[str, str] | None = None,
    armed: bool = False,
    given_settings: dict[str, str] | None = None,
) -> HandshakeAnswer | None:
    provider = catalog.load(name)
    handshakes = Handshakes(
        provider.handshakes,
        kit(name).scheme,
        secrets=[SECRET],
        settings=SETTINGS if given_settings is None else given_settings,
        base_url="https://me.example",
        is_armed=lambda: armed,
    )
    request = RawRequest(
        method=method,
        target=target,
        headers=Headers.of(headers or {}),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
    )
    return handshakes.answer(request, verdict)


CHALLENGE = {"type": "url_verification", "challenge": "abc"}


def test_slack_is_answered_only_when_it_signed() -> None:
    found = ask("slack", GOOD, body=CHALLENGE)
    assert found is not None
    assert (found.status, found.body, found.content_type) == (200, b"abc", "text/plain")
    assert ask("slack", BAD, body=CHALLENGE) is None
    assert ask("slack", GOOD, body={"type": "event_callback", "challenge": "abc"}) is None


@pytest.mark.parametrize("challenge", [None, 5, "", "a\nb", "x" * 3_000, ["abc"], {"a": 1}])
def test_a_challenge_of_another_shape_is_no_challenge(challenge: Any) -> None:
    assert ask("slack", GOOD, body={"type": "url_verification", "challenge": challenge}) is None


def test_whatever_is_given_back_is_never_a_page() -> None:
    found = ask("dropbox", method="GET", target="/h?challenge=%3Cscript%3E")
    assert found is not None
    assert found.content_type == "text/plain"
    assert ("X-Content-Type-Options", "nosniff") in found.headers
    assert ask("dropbox", method="GET", target="/h?challenge=a%0d%0ab") is None
    assert ask("dropbox", method="GET", target="/h?challenge=a&challenge=b") is None


def test_meta_wants_its_token() -> None:
    query = "/h?hub.mode=subscribe&hub.challenge=77&hub.verify_token="
    right = ask("meta", method="GET", target=query + "token-1")
    assert right is not None
    assert right.body == b"77"
    for wrong in ("token-2", ""):
        refused = ask("meta", method="GET", target=query + wrong)
        assert refused is not None
        assert (refused.status, refused.body) == (403, b"")
    other = ask("meta", method="GET", target=query.replace("subscribe", "unsubscribe") + "token-1")
    assert other is None


def test_the_secret_stands_in_for_a_token_that_is_not_set() -> None:
    query = f"/h?hub.mode=subscribe&hub.challenge=77&hub.verify_token={SECRET}"
    found = ask("meta", method="GET", target=query, given_settings={})
    assert found is not None
    assert found.status == 200


def test_strava_is_answered_in_json() -> None:
    query = "/h?hub.mode=subscribe&hub.challenge=77&hub.verify_token=token-1"
    found = ask("strava", method="GET", target=query)
    assert found is not None
    assert json.loads(found.body) == {"hub.challenge": "77"}


ZOOM = {"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}}


def test_zoom_signs_a_token_and_nothing_that_could_be_a_delivery() -> None:
    found = ask("zoom", body=ZOOM)
    assert found is not None
    assert set(json.loads(found.body)) == {"plainToken", "encryptedToken"}
    for token in ("v0:1700000000:{}", "a b", "{}", "", "x" * 200, None, "é"):
        forged = {"event": "endpoint.url_validation", "payload": {"plainToken": token}}
        assert ask("zoom", body=forged) is None


def test_a_challenge_cannot_be_used_to_sign_a_delivery() -> None:
    """A body that verifies must not be one that a handshake would sign for the caller."""
    for name, target in (
        ("twitter", "/h?crc_token="),
        ("linkedin", "/h?challengeCode="),
        ("braintree", "/h?bt_challenge="),
    ):
        for text in ("%7B%7D", '{"a":1}', "%5B%5D", "hmacsha256=%7B%7D", "%3Cxml%3E", "a%0A"):
            assert ask(name, method="GET", target=target + text) is None, (name, text)


def test_signed_challenges_of_the_right_shape_are_answered() -> None:
    for name, target in (
        ("twitter", "/h?crc_token=9b4507b3-9040"),
        ("linkedin", "/h?challengeCode=890e4665-4dfe-4ab1"),
        ("braintree", "/h?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53"),
        ("ebay", "/h?challenge_code=a8628072-3d33"),
    ):
        assert ask(name, method="GET", target=target) is not None, name


def test_ebay_hashes_code_token_and_endpoint() -> None:
    found = ask("ebay", method="GET", target="/h?challenge_code=abc")
    assert found is not None
    expected = sha256(b"abcverhttps://me.example/h").hexdigest()
    assert json.loads(found.body) == {"challengeResponse": expected}


def test_a_key_is_taken_only_while_armed() -> None:
    key = "b537207f20cbfa02357cf448134da559"
    headers = {"X-Hook-Secret": key}
    assert ask("asana", headers=headers) is None
    found = ask("asana", headers=headers, armed=True)
    assert found is not None
    assert found.key == key
    assert ("X-Hook-Secret", key) in found.headers
    assert key not in repr(found)
    notion = ask("notion", body={"verification_token": "secret_" + key}, armed=True)
    assert notion is not None
    assert notion.key == "secret_" + key
    assert ask("notion", body={"verification_token": "secret_" + key}) is None


@pytest.mark.parametrize("key", ["", "short", "with a space in the middle", "x" * 600])
def test_a_key_of_another_shape_is_no_key(key: str) -> None:
    assert ask("asana", headers={"X-Hook-Secret": key}, armed=True) is None
    assert ask("notion", body={"verification_token": key}, armed=True) is None


def confirmation(url: Any) -> dict[str, Any]:
    return {"Type": "SubscriptionConfirmation", "SubscribeURL": url}


TOPIC = {"topic_arn": "arn:aws:sns:us-east-1:1:mine"}


def test_a_subscription_is_confirmed_only_on_a_pinned_host() -> None:
    url = "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=x"
    found = ask("aws-sns", GOOD, body=confirmation(url), given_settings=TOPIC)
    assert found is not None
    assert found.fetch == url
    assert ask("aws-sns", BAD, body=confirmation(url), given_settings=TOPIC) is None
    for bad in (
        "http://sns.us-east-1.amazonaws.com/",
        "https://bucket.s3.amazonaws.com/",
        "https://evil.example/",
        "https://169.254.169.254/",
        5,
        "",
    ):
        assert ask("aws-sns", GOOD, body=confirmation(bad), given_settings=TOPIC) is None


def test_a_subscription_is_confirmed_only_for_a_named_topic_or_while_armed() -> None:
    body = confirmation("https://sns.us-east-1.amazonaws.com/?Token=x")
    assert ask("aws-sns", GOOD, body=body, given_settings={}) is None
    assert ask("aws-sns", BAD, body=body, given_settings={}, armed=True) is None
    found = ask("aws-sns", GOOD, body=body, given_settings={}, armed=True)
    assert found is not None
    assert found.fetch


def test_mailchimps_look_at_the_address_is_answered_when_its_parameter_is_right() -> None:
    found = ask("mailchimp", GOOD, method="GET", target="/h?secret=x")
    assert found is not None
    assert (found.status, found.body) == (200, b"")
    assert ask("mailchimp", BAD, method="GET", target="/h?secret=wrong") is None
    assert ask("mailchimp", GOOD, target="/h?secret=x") is None


def test_woocommerces_ping_is_answered_though_it_is_not_signed() -> None:
    found = ask("woocommerce", BAD, body=b"webhook_id=12")
    assert found is not None
    assert (found.status, found.body, found.key, found.fetch) == (200, b"", "", "")
    for other in (b"webhook_id=", b"webhook_id=1&x=2", b"webhook_id=a", b"id=1", b"{}", b""):
        assert ask("woocommerce", BAD, body=other) is None
    assert ask("woocommerce", BAD, method="GET", body=b"webhook_id=12") is None


def test_discord_is_answered_only_when_it_signed() -> None:
    found = ask("discord", GOOD, body={"type": 1})
    assert found is not None
    assert json.loads(found.body) == {"type": 1}
    quiet = ask("discord", GOOD, body={"type": 0})
    assert quiet is not None
    assert quiet.status == 204
    assert ask("discord", GOOD, body={"type": True}) is None


def test_xero_gets_empty_answers() -> None:
    for verdict, status in ((GOOD, 200), (BAD, 401)):
        found = ask("xero", verdict, body={"events": [], "entropy": "x"})
        assert found is not None
        assert (found.status, found.body) == (status, b"")
    assert ask("xero", GOOD, body={"events": [{}]}) is None


def test_cloudevents_origins_are_allowed_within_the_rate() -> None:
    headers = {"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "20"}
    found = ask("cloudevents", method="OPTIONS", headers=headers)
    assert found is not None
    assert ("WebHook-Allowed-Rate", "20") in found.headers
    pinned = ask(
        "cloudevents",
        method="OPTIONS",
        headers=headers,
        given_settings={"allowed_origin": "other.example"},
    )
    assert pinned is not None
    assert pinned.status == 403
    for origin in ("a b", "a,b", ""):
        assert (
            ask("cloudevents", method="OPTIONS", headers={"WebHook-Request-Origin": origin}) is None
        )


def test_event_grid_is_validated_only_for_who_knows_the_secret() -> None:
    body = [{"data": {"validationCode": "512d38b6"}}]
    headers = {"aeg-event-type": "SubscriptionValidation"}
    found = ask("azure-event-grid", GOOD, body=body, headers=headers)
    assert found is not None
    assert json.loads(found.body) == {"validationResponse": "512d38b6"}
    assert ask("azure-event-grid", BAD, body=body, headers=headers) is None
    assert ask("azure-event-grid", GOOD, body=body) is None


def test_head_pings_and_header_challenges() -> None:
    assert ask("trello", method="HEAD") is not None
    assert ask("github", GOOD, headers={"X-GitHub-Event": "ping"}) is not None
    assert ask("github", BAD, headers={"X-GitHub-Event": "ping"}) is None
    assert ask("github", GOOD, headers={"X-GitHub-Event": "push"}) is None
    okta = ask("okta", method="GET", headers={"X-Okta-Verification-Challenge": "c"})
    assert okta is not None
    assert json.loads(okta.body) == {"verification": "c"}


def test_discord_is_told_in_its_own_way_that_a_signature_is_wrong() -> None:
    for kind, right in ((1, 200), (0, 204)):
        good, bad = (ask("discord", verdict, body={"type": kind}) for verdict in (GOOD, BAD))
        assert good is not None
        assert bad is not None
        assert (good.status, bad.status, bad.body) == (right, 401, b"")


def test_the_methods_a_source_must_take() -> None:
    provider = catalog.load("meta")
    assert Handshakes(provider.handshakes, kit("meta").scheme).methods == ("GET",)
    assert methods_of(HandshakeRule(kind="head")) == {"HEAD"}


def test_the_body_is_not_read_for_an_ordinary_delivery() -> None:
    slack = Handshakes(catalog.load("slack").handshakes, kit("slack").scheme)
    request = RawRequest(body=b'{"type":"event_callback"')
    assert slack.answer(request, GOOD) is None


def test_every_rule_of_the_catalogue_is_of_a_known_kind() -> None:
    for name in catalog.names():
        try:
            provider = catalog.load(name)
        except ConfigError:
            continue  # its own test says what is wrong with it
        assert {rule.kind for rule in provider.handshakes} <= set(KINDS)


WITH_RULES = [name for name in catalog.names() if catalog.load(name).handshakes]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(WITH_RULES),
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT"]),
    st.binary(max_size=60)
    | st.sampled_from([b"[]", b"null", b'{"type":1}', b"[" * 300, b'{"payload":[]}']),
    st.text(max_size=20),
    st.booleans(),
)
def test_any_request_is_answered_or_not(
    name: str, method: str, body: bytes, query: str, armed: bool
) -> None:
    target = f"/?challenge={query}&hub.challenge={query}&hub.mode=subscribe&crc_token={query}&validationToken={query}"
    headers = dict.fromkeys(
        ("X-Hook-Secret", "WebHook-Request-Origin", "aeg-event-type"),
        query.replace("\n", "").replace("\r", "").replace("\0", ""),
    )
    for verdict in (GOOD, BAD):
        found = ask(
            name, verdict, method=method, target=target, body=body, headers=headers, armed=armed
        )
        assert found is None or 200 <= found.status < 500
