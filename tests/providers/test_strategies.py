"""The shapes that data cannot say, beyond what the vectors show."""

import json
from typing import Any

import msgspec
import pytest

from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.shape import Family, KeyRule
from hookagent.providers.sign import sign
from hookagent.providers.strategies.paddle import php_serialized
from hookagent.providers.strategies.twilio import url_forms
from hookagent.providers.verify import Verifier
from hookagent.providers.view import parse_fields
from hookagent.verdict import Code, Verdict
from tests.providers.kit import BASE_URL, NOW, kit, pair
from tests.providers.test_jwt import Documents
from tests.providers.test_keyring import certificate, private_of

replace = msgspec.structs.replace


def verdict(name: str, request: RawRequest, now: int = NOW) -> Verdict:
    return kit(name).verifier().verify(request, now)


def test_twilio_tries_the_url_with_and_without_its_port() -> None:
    assert url_forms("https://a.example/x") == ["https://a.example/x", "https://a.example:443/x"]
    assert url_forms("http://u:p@a.example:8080/x") == [
        "http://u:p@a.example:8080/x",
        "http://u:p@a.example/x",
    ]
    assert url_forms("https://[::1]:bad/") == ["https://[::1]:bad/"]


def test_twilio_binds_a_json_body_through_the_query() -> None:
    request = RawRequest(
        target="/x", body=b'{"a":1}', headers=Headers.of({"Content-Type": "application/json"})
    )
    signed = kit("twilio").signed(request)
    assert "bodySHA256=" in signed.target
    assert verdict("twilio", signed).valid
    assert verdict("twilio", replace(signed, body=b"{}")).code is Code.DIGEST
    assert verdict("twilio", replace(signed, target="/x")).code is Code.MISMATCH


def test_adyen_refuses_a_batch_with_one_forged_item() -> None:
    item = {"pspReference": "1", "success": "true"}
    body = {"notificationItems": [{"NotificationRequestItem": dict(item)} for _ in range(3)]}
    signed = kit("adyen").signed(RawRequest(body=json.dumps(body).encode()))
    assert verdict("adyen", signed).valid
    document = json.loads(signed.body)
    document["notificationItems"][2]["NotificationRequestItem"]["success"] = "false"
    forged = replace(signed, body=json.dumps(document).encode())
    found = verdict("adyen", forged)
    assert found.code is Code.MISMATCH
    assert "item 2" in found.detail


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"notificationItems":[]}',
        b'{"notificationItems":[1]}',
        b'{"notificationItems":{"a":1}}',
    ],
)
def test_adyen_takes_no_batch_without_signatures(body: bytes) -> None:
    assert verdict("adyen", RawRequest(body=body)).code is Code.MISSING


def test_contentful_must_sign_its_timestamp() -> None:
    signed = kit("contentful").signed()
    assert verdict("contentful", signed).valid
    names = signed.headers.with_fields(
        {"X-Contentful-Signed-Headers": "x-contentful-signed-headers"}
    )
    assert verdict("contentful", replace(signed, headers=names)).code is Code.MISSING_PART
    doubled = signed.headers.with_fields(
        {"X-Contentful-Signed-Headers": "a,a,x-contentful-timestamp"}
    )
    assert verdict("contentful", replace(signed, headers=doubled)).code is Code.MALFORMED


def test_mercado_pago_leaves_out_what_is_absent_and_lowers_the_id() -> None:
    for target, other in (("/?data.id=ABC", "/?data.id=abd"), ("/", "/?data.id=1")):
        signed = kit("mercadopago").signed(RawRequest(target=target, body=b"{}"))
        assert verdict("mercadopago", signed).valid
        assert not verdict("mercadopago", replace(signed, target=other)).valid
    lower = kit("mercadopago").signed(RawRequest(target="/?data.id=ABC"))
    assert verdict("mercadopago", replace(lower, target="/?data.id=abc")).valid


def test_unisender_hashes_the_body_with_the_key_in_it() -> None:
    signed = kit("unisender-go").signed(RawRequest(body=b'{"events":[]}'))
    assert verdict("unisender-go", signed).valid
    assert verdict("unisender-go", replace(signed, body=signed.body + b" ")).code is Code.MISMATCH
    assert verdict("unisender-go", replace(signed, body=signed.body + signed.body)).code in {
        Code.MISSING,
        Code.DOUBLED,
    }


def test_paddle_signs_what_php_serializes() -> None:
    fields = parse_fields(b"b=2&a=\xc3\xa9&p_signature=x")
    assert php_serialized(fields) == 'a:2:{s:1:"a";s:2:"é";s:1:"b";s:1:"2";}'.encode()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "!",
        "e30=",
        "W10=",
        "eyJzaWduYXR1cmUiOjF9",
        "eyJraWQiOiIuLi8iLCJzaWduYXR1cmUiOiJBQT09In0=",
    ],
)
def test_ebay_takes_no_header_without_a_signature_and_a_plain_key_id(header: str) -> None:
    request = RawRequest(headers=Headers.of({"X-EBAY-SIGNATURE": header}))
    assert verdict("ebay", request).code is Code.MALFORMED


def test_ebay_asks_for_the_key_by_its_id() -> None:
    private, public = pair(Family.ECDSA, b"e")
    rule = KeyRule(
        urls=("https://api.ebay.test/key/{kid}",), hosts=("api.ebay.test",), kind="json", json="key"
    )
    scheme = replace(catalog.scheme("ebay"), keys=rule)
    signed = sign(scheme, RawRequest(body=b"{}"), private, now=NOW)
    kid = "00000000-0000-4000-8000-000000000000"
    folded = public.replace("\n", "")

    class Keys:
        def get(self, url: str, kind: str, post: bytes = b"") -> bytes | None:
            assert url.endswith("/" + kid)
            return json.dumps({"key": folded, "algorithm": "ECDSA"}).encode()

        def renew(self, url: str, kind: str, post: bytes = b"") -> bool:
            return False

    assert Verifier(scheme, [], keys=Keys(), base_url=BASE_URL).verify(signed, NOW).valid


PRIVATE, PUBLIC = pair(Family.RSA, b"sns")
CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-test.pem"


def message(**changed: Any) -> dict[str, Any]:
    signed = sign(catalog.scheme("aws-sns"), RawRequest(body=b"hello"), PRIVATE, now=NOW)
    return json.loads(signed.body) | changed  # type: ignore[no-any-return]


def sns(members: dict[str, Any], now: int = NOW, **options: Any) -> Code:
    verifier = Verifier(catalog.scheme("aws-sns"), options.pop("secrets", [PUBLIC]), **options)
    body = json.dumps({k: v for k, v in members.items() if v is not ...}).encode()
    return verifier.verify(RawRequest(body=body), now).code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, Code.OK),
        ({"Message": "other"}, Code.MISMATCH),
        ({"Subject": "added"}, Code.MISMATCH),
        ({"TopicArn": "arn:other"}, Code.MISMATCH),
        ({"Type": "SubscriptionConfirmation"}, Code.MISSING_PART),
        ({"Type": "Other"}, Code.MALFORMED),
        ({"Signature": ...}, Code.MISSING),
        ({"Signature": "!"}, Code.MALFORMED),
        ({"SignatureVersion": "3"}, Code.MALFORMED),
        ({"SignatureVersion": "1"}, Code.MISMATCH),
        ({"Timestamp": "yesterday"}, Code.MALFORMED_TIMESTAMP),
        (
            {"SigningCertURL": "https://sns.us-east-1.amazonaws.com.evil.example/x.pem"},
            Code.UNTRUSTED_KEY,
        ),
        ({"SigningCertURL": "http://sns.us-east-1.amazonaws.com/x.pem"}, Code.UNTRUSTED_KEY),
        ({"SigningCertURL": "https://sns.us-east-1.amazonaws.com/x.html"}, Code.UNTRUSTED_KEY),
        ({"SigningCertURL": ...}, Code.UNTRUSTED_KEY),
        ({"SigningCertUrl": CERTIFICATE_URL}, Code.UNTRUSTED_KEY),
        ({"MessageId": 5}, Code.MISSING_PART),
    ],
)
def test_sns_messages(changed: dict[str, Any], code: Code) -> None:
    assert sns(message(**changed)) is code


def test_sns_may_be_pinned_to_a_topic() -> None:
    topic = message()["TopicArn"]
    assert sns(message(), settings={"topic_arn": topic}) is Code.OK
    assert sns(message(), settings={"topic_arn": topic + "x"}) is Code.UNTRUSTED_KEY


def test_sns_asks_for_the_certificate_at_the_address_in_the_message() -> None:
    document = certificate("sns.amazonaws.com", private_of(PRIVATE))
    keys = Documents({CERTIFICATE_URL: document})
    assert sns(message(), secrets=[], keys=keys) is Code.OK
    assert keys.asked == [(CERTIFICATE_URL, "certificate")]
    evil = Documents({CERTIFICATE_URL: certificate("sns.evil.example", private_of(PRIVATE))})
    assert sns(message(), secrets=[], keys=evil) is Code.UNTRUSTED_KEY
    assert sns(message(), secrets=[], keys=Documents({})) is Code.KEY_UNAVAILABLE
