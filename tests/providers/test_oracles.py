"""The providers' own SDKs as oracles: they accept what we sign, and we accept what they sign.

Each test runs where its SDK is installed and is skipped elsewhere. The SDKs read the clock, so these
are the only tests here that do.
"""

import json
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.sign import sign
from hookagent.providers.verify import Verifier
from tests.providers.kit import BASE_URL, kit, pair

pytestmark = pytest.mark.filterwarnings("ignore")

BODY = '{"id": "evt_1", "object": "event", "text": "zwölf / ✓", "n": 1.50}\n'.encode()
TEXT = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WHSEC = f"whsec_{TEXT}"
URL = f"{BASE_URL}/hooks/in"


def now() -> int:
    return int(time.time() * 1000)


def signed(
    name: str, secret: str, body: bytes = BODY, headers: Mapping[str, str] | None = None
) -> RawRequest:
    request = RawRequest(target="/hooks/in", body=body, headers=Headers.of(headers or {}))
    return sign(
        catalog.scheme(name), request, secret, now=now(), message_id="msg_1", base_url=BASE_URL
    )


def accepts(name: str, secret: str, request: RawRequest) -> bool:
    verifier = Verifier(catalog.scheme(name), [secret], base_url=BASE_URL)
    return verifier.verify(request, now()).valid


def field(request: RawRequest, name: str) -> str:
    return request.headers.text(name) or ""


def agrees(check: Callable[[bytes], Any], request: RawRequest) -> None:
    """Hold that an SDK takes the body we signed and refuses another."""
    assert check(request.body) is not False
    try:
        verdict = check(request.body.replace(b"evt_1", b"evt_2"))
    except Exception:  # noqa: BLE001 - every SDK has its own errors
        return
    assert not verdict


def test_stripe() -> None:
    stripe = pytest.importorskip("stripe")
    request = signed("stripe", WHSEC)
    value = field(request, "Stripe-Signature")
    agrees(lambda body: stripe.Webhook.construct_event(body, value, WHSEC), request)
    stamp = int(time.time())
    theirs = stripe.WebhookSignature._compute_signature(f"{stamp}.{BODY.decode()}", WHSEC)
    back = RawRequest(body=BODY, headers=Headers.of({"Stripe-Signature": f"t={stamp},v1={theirs}"}))
    assert accepts("stripe", WHSEC, back)


@pytest.mark.parametrize(
    ("module", "name"), [("svix.webhooks", "svix"), ("standardwebhooks", "standard-webhooks")]
)
def test_standard_webhooks_and_svix(module: str, name: str) -> None:
    webhook = pytest.importorskip(module).Webhook(WHSEC)
    request = signed(name, WHSEC)
    agrees(lambda body: webhook.verify(body, dict(request.headers.items())), request)
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(int(time.time()), UTC)
    theirs = webhook.sign("msg_1", moment, BODY.decode())
    prefix = "svix" if name == "svix" else "webhook"
    fields = {
        f"{prefix}-id": "msg_1",
        f"{prefix}-timestamp": str(int(moment.timestamp())),
        f"{prefix}-signature": theirs,
    }
    assert accepts(name, WHSEC, RawRequest(body=BODY, headers=Headers.of(fields)))


def test_slack() -> None:
    verifier = pytest.importorskip("slack_sdk.signature").SignatureVerifier(TEXT)
    request = signed("slack", TEXT)
    agrees(lambda body: verifier.is_valid_request(body, dict(request.headers.items())), request)
    stamp = str(int(time.time()))
    theirs = verifier.generate_signature(timestamp=stamp, body=BODY)
    fields = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": theirs}
    assert accepts("slack", TEXT, RawRequest(body=BODY, headers=Headers.of(fields)))


class Many(dict[str, Any]):
    """Fields of which some come several times, as web frameworks hold them."""

    def getlist(self, name: str) -> list[str]:
        value = self[name]
        return value if isinstance(value, list) else [value]


def test_twilio() -> None:
    validator = pytest.importorskip("twilio.request_validator").RequestValidator(TEXT)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = signed("twilio", TEXT, b"From=%2B1415&Body=a+b&Empty=&Z=1&Z=0", form)
    fields = Many({"From": "+1415", "Body": "a b", "Empty": "", "Z": ["1", "0"]})
    signature = field(request, "X-Twilio-Signature")
    assert validator.validate(URL, fields, signature)
    assert not validator.validate(URL, Many(fields | {"Body": "c"}), signature)
    as_json = signed("twilio", TEXT, headers={"Content-Type": "application/json"})
    assert validator.validate(
        BASE_URL + as_json.target, BODY.decode(), field(as_json, "X-Twilio-Signature")
    )
    theirs = validator.compute_signature(URL, fields)
    back = msgspec.structs.replace(
        request, headers=Headers.of(form | {"X-Twilio-Signature": theirs})
    )
    assert accepts("twilio", TEXT, back)


def test_discord_through_pynacl() -> None:
    nacl = pytest.importorskip("nacl.signing")
    private, public = pair(catalog.scheme("discord").family, b"discord")
    request = signed("discord", private)
    from hookagent.providers.publickeys import read_key

    key = read_key(public)
    assert key is not None
    verifier = nacl.VerifyKey(key.public_bytes_raw())  # type: ignore[union-attr]  # Discord's is Ed25519
    signature = bytes.fromhex(field(request, "X-Signature-Ed25519"))
    stamp = field(request, "X-Signature-Timestamp").encode()
    agrees(lambda body: verifier.verify(stamp + body, signature), request)
    theirs = nacl.SigningKey.generate()
    made = theirs.sign(stamp + BODY).signature.hex()
    fields = {"X-Signature-Timestamp": stamp.decode(), "X-Signature-Ed25519": made}
    back = RawRequest(body=BODY, headers=Headers.of(fields))
    assert accepts("discord", bytes(theirs.verify_key).hex(), back)


def test_razorpay() -> None:
    razorpay = pytest.importorskip("razorpay")
    request = signed("razorpay", TEXT)
    value = field(request, "X-Razorpay-Signature")
    utility = razorpay.Utility()
    agrees(lambda body: utility.verify_webhook_signature(body.decode(), value, TEXT), request)


def test_sendgrid() -> None:
    webhook = pytest.importorskip("sendgrid.helpers.eventwebhook").EventWebhook()
    private, public = pair(catalog.scheme("sendgrid").family, b"sendgrid")
    request = signed("sendgrid", private)
    bare = "".join(public.splitlines()[1:-1])
    key = webhook.convert_public_key_to_ecdsa(bare)
    signature = field(request, "X-Twilio-Email-Event-Webhook-Signature")
    stamp = field(request, "X-Twilio-Email-Event-Webhook-Timestamp")
    agrees(lambda body: webhook.verify_signature(body.decode(), signature, stamp, key), request)
    assert accepts("sendgrid", bare, request)


def test_square() -> None:
    helper = pytest.importorskip("square.utils.webhooks_helper")
    request = signed("square", TEXT)

    def check(body: bytes) -> object:
        return helper.verify_signature(
            request_body=body.decode(),
            signature_header=field(request, "x-square-hmacsha256-signature"),
            signature_key=TEXT,
            notification_url=URL,
        )

    agrees(check, request)


def test_paddle() -> None:
    notifications = pytest.importorskip("paddle_billing.Notifications")
    request = signed("paddle", TEXT)

    def check(body: bytes) -> object:
        headers = {"Paddle-Signature": field(request, "Paddle-Signature")}
        secret = notifications.Secret(TEXT)
        return notifications.Verifier().verify(SimpleNamespace(body=body, headers=headers), secret)

    agrees(check, request)


def test_adyen() -> None:
    util = pytest.importorskip("Adyen.util")
    kitted = kit("adyen")
    item = json.loads(kitted.signed().body)["notificationItems"][0]["NotificationRequestItem"]
    assert util.is_valid_hmac_notification(json.loads(json.dumps(item)), kitted.signing)
    assert not util.is_valid_hmac_notification(item | {"success": "false"}, kitted.signing)


def test_line() -> None:
    validator = pytest.importorskip("linebot.v3.webhook").SignatureValidator(TEXT)
    request = signed("line", TEXT)
    agrees(
        lambda body: validator.validate(body.decode(), field(request, "X-Line-Signature")), request
    )


@pytest.mark.parametrize(
    ("name", "version", "header"),
    [
        ("hubspot", "v3", "X-HubSpot-Signature-v3"),
        ("hubspot/v2", "v2", "X-HubSpot-Signature"),
        ("hubspot/v1", "v1", "X-HubSpot-Signature"),
    ],
)
def test_hubspot(name: str, version: str, header: str) -> None:
    signature = pytest.importorskip("hubspot.utils.signature").Signature
    request = signed(name, TEXT)

    def check(body: bytes) -> object:
        return signature.is_valid(
            signature=field(request, header),
            client_secret=TEXT,
            request_body=body.decode(),
            http_uri=URL,
            http_method="POST",
            signature_version=version,
            timestamp=field(request, "X-HubSpot-Request-Timestamp"),
        )

    agrees(check, request)


def test_workos() -> None:
    webhooks = pytest.importorskip("workos.webhooks")
    request = signed("workos", TEXT)
    client = webhooks.Webhooks(None)
    value = field(request, "WorkOS-Signature")
    agrees(
        lambda body: client.verify_header(event_body=body, event_signature=value, secret=TEXT),
        request,
    )
