"""Providers' own Python packages, each called as its documentation says.

Everything is imported where it is used: without the packages this module is still importable.
"""

# The packages are optional, so that mypy may not find them.
# mypy: disable-error-code="import-not-found, import-untyped"

import base64
import contextlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import msgspec

from hookagent.event import Headers, RawRequest
from tests.oracles.bench import FORM, NOTE, Delivery, Oracle, payloads, taken
from tests.providers.kit import BASE_URL, Kit

MESSAGE_ID = "msg_2Lh9"


def _stripe(delivery: Delivery) -> object:
    from stripe import WebhookSignature

    header = delivery.header("Stripe-Signature")
    return WebhookSignature.verify_header(delivery.body, header, delivery.secret, 300)


def _stripe_signs(delivery: Delivery) -> RawRequest:
    from stripe import WebhookSignature

    value = WebhookSignature.generate_signature_header(
        delivery.text, delivery.secret, timestamp=delivery.seconds
    )
    return delivery.with_headers({"Stripe-Signature": value})


def _svix(delivery: Delivery) -> object:
    from svix.webhooks import Webhook

    return taken(Webhook(delivery.secret).verify, delivery.body, delivery.headers)


def _svix_signs(delivery: Delivery) -> RawRequest:
    from svix.webhooks import Webhook

    moment = datetime.fromtimestamp(delivery.seconds, tz=UTC)
    value = Webhook(delivery.secret).sign(MESSAGE_ID, moment, delivery.text)
    return _standard_headers(delivery, "svix", value)


def _standard(delivery: Delivery) -> object:
    from standardwebhooks import Webhook

    # Supabase's guide takes `v1,` off its secrets before it gives them to this package.
    secret = delivery.secret.removeprefix("v1,")
    return taken(Webhook(secret).verify, delivery.body, delivery.headers)


def _standard_signs(delivery: Delivery) -> RawRequest:
    from standardwebhooks import Webhook

    moment = datetime.fromtimestamp(delivery.seconds, tz=UTC)
    secret = delivery.secret.removeprefix("v1,")
    value = Webhook(secret).sign(MESSAGE_ID, moment, delivery.text)
    return _standard_headers(delivery, "webhook", value)


def _standard_headers(delivery: Delivery, prefix: str, value: str) -> RawRequest:
    return delivery.with_headers(
        {
            f"{prefix}-id": MESSAGE_ID,
            f"{prefix}-timestamp": str(delivery.seconds),
            f"{prefix}-signature": value,
        }
    )


def _slack(delivery: Delivery) -> object:
    from slack_sdk.signature import SignatureVerifier

    return SignatureVerifier(delivery.secret).is_valid(
        delivery.body,
        delivery.header("X-Slack-Request-Timestamp"),
        delivery.header("X-Slack-Signature"),
    )


def _slack_signs(delivery: Delivery) -> RawRequest:
    from slack_sdk.signature import SignatureVerifier

    stamp = str(delivery.seconds)
    value = SignatureVerifier(delivery.secret).generate_signature(
        timestamp=stamp, body=delivery.body
    )
    fields = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(value)}
    return delivery.with_headers(fields)


def _twilio(delivery: Delivery) -> object:
    from twilio.request_validator import RequestValidator

    payload = delivery.form if delivery.is_form else delivery.text
    return RequestValidator(delivery.secret).validate(
        delivery.url, payload, delivery.header("X-Twilio-Signature")
    )


def _twilio_signs(delivery: Delivery) -> RawRequest:
    from twilio.request_validator import RequestValidator

    validator = RequestValidator(delivery.secret)
    fields = delivery.form if delivery.is_form else {}
    if not delivery.is_form:
        joint = "&" if "?" in delivery.request.target else "?"
        target = delivery.request.target + joint
        target += f"bodySHA256={validator.compute_hash(delivery.text)}"
        delivery = delivery.of(msgspec.structs.replace(delivery.request, target=target))
    value = validator.compute_signature(delivery.url, fields)
    return delivery.with_headers({"X-Twilio-Signature": value})


def _discord(delivery: Delivery) -> object:
    from discord_interactions import verify_key

    with contextlib.redirect_stdout(io.StringIO()):  # it prints why it says no
        return verify_key(
            delivery.body,
            delivery.header("X-Signature-Ed25519"),
            delivery.header("X-Signature-Timestamp"),
            base64.b64decode(delivery.public_base64).hex(),
        )


def _discord_nacl(delivery: Delivery) -> object:
    from nacl.signing import VerifyKey

    key = VerifyKey(base64.b64decode(delivery.public_base64))
    signed = delivery.header("X-Signature-Timestamp").encode() + delivery.body
    return taken(key.verify, signed, bytes.fromhex(delivery.header("X-Signature-Ed25519")))


def _discord_signs(delivery: Delivery) -> RawRequest:
    from nacl.signing import SigningKey

    stamp = str(delivery.seconds)
    signed = SigningKey(delivery.private_bytes).sign(stamp.encode() + delivery.body)
    fields = {"X-Signature-Timestamp": stamp, "X-Signature-Ed25519": signed.signature.hex()}
    return delivery.with_headers(fields)


def _openai(delivery: Delivery) -> object:
    from openai import OpenAI

    webhooks = OpenAI(api_key="sk-fake").webhooks
    return taken(webhooks.verify_signature, delivery.body, delivery.headers, secret=delivery.secret)


def _line(delivery: Delivery) -> object:
    from linebot.v3.webhook import SignatureValidator

    validator = SignatureValidator(delivery.secret)
    return validator.validate(delivery.text, delivery.header("X-Line-Signature"))


def _paddle(delivery: Delivery) -> object:
    from paddle_billing.Notifications import Secret, Verifier

    request = SimpleNamespace(
        headers={"Paddle-Signature": delivery.header("Paddle-Signature")}, body=delivery.body
    )
    return Verifier(300).verify(request, Secret(delivery.secret))


def _paddle_signs(delivery: Delivery) -> RawRequest:
    from paddle_billing.Notifications.PaddleSignature import PaddleSignature

    signed = f"{delivery.seconds}:{delivery.text}".encode()
    mac = PaddleSignature.calculate_hmac(delivery.secret, signed).hexdigest()
    return delivery.with_headers({"Paddle-Signature": f"ts={delivery.seconds};h1={mac}"})


def _razorpay(delivery: Delivery) -> object:
    import razorpay

    utility = razorpay.Client(auth=("id", "secret")).utility
    header = delivery.header("X-Razorpay-Signature")
    return utility.verify_webhook_signature(delivery.text, header, delivery.secret)


def _square(delivery: Delivery) -> object:
    from square.utils.webhooks_helper import verify_signature

    return verify_signature(
        request_body=delivery.text,
        signature_header=delivery.header("x-square-hmacsha256-signature"),
        signature_key=delivery.secret,
        notification_url=delivery.url,
    )


def _sendgrid(delivery: Delivery) -> object:
    from sendgrid.helpers.eventwebhook import EventWebhook

    prefix = "X-Twilio-Email-Event-Webhook-"
    return EventWebhook(delivery.public_base64).verify_signature(
        delivery.text,
        delivery.header(prefix + "Signature"),
        delivery.header(prefix + "Timestamp"),
    )


def _hubspot(version: str) -> Callable[[Delivery], object]:
    name = "X-HubSpot-Signature" + ("-v3" if version == "v3" else "")

    def accepts(delivery: Delivery) -> object:
        from hubspot.utils.signature import Signature

        return Signature.is_valid(
            signature=delivery.header(name),
            client_secret=delivery.secret,
            request_body=delivery.text,
            http_uri=delivery.url,
            signature_version=version,
            timestamp=delivery.header("X-HubSpot-Request-Timestamp") or None,
        )

    return accepts


def _hubspot_signs(version: str) -> Callable[[Delivery], RawRequest]:
    name = "X-HubSpot-Signature" + ("-v3" if version == "v3" else "")

    def signs(delivery: Delivery) -> RawRequest:
        from hubspot.utils.signature import Signature

        stamp = str(delivery.now)
        value = Signature.get_signature(
            delivery.secret, delivery.text, version, delivery.url, "POST", stamp
        )
        return delivery.with_headers({name: value, "X-HubSpot-Request-Timestamp": stamp})

    return signs


def _coinbase(delivery: Delivery) -> object:
    from coinbase_commerce.webhook import WebhookSignature

    header = delivery.header("X-CC-Webhook-Signature")
    return WebhookSignature.verify_sig_header(delivery.text, header, delivery.secret)


def _adyen(delivery: Delivery) -> object:
    from Adyen.util import is_valid_hmac_notification

    return is_valid_hmac_notification(json.loads(delivery.text), delivery.secret)


def _adyen_signs(delivery: Delivery) -> RawRequest:
    from Adyen.util import generate_notification_sig

    payload = json.loads(delivery.text)
    for item in payload["notificationItems"]:
        inner = item["NotificationRequestItem"]
        inner.pop("additionalData", None)
        value = generate_notification_sig(inner, delivery.secret).decode()
        inner["additionalData"] = {"hmacSignature": value}
    return msgspec.structs.replace(delivery.request, body=json.dumps(payload).encode())


def _adyen_header(delivery: Delivery) -> object:
    from Adyen.util import is_valid_hmac_payload

    header = delivery.header("HmacSignature")
    return is_valid_hmac_payload(header, delivery.secret, delivery.body)


def _adyen_header_signs(delivery: Delivery) -> RawRequest:
    from Adyen.util import generate_payload_sig

    value = generate_payload_sig(delivery.body, delivery.secret).decode()
    return delivery.with_headers({"HmacSignature": value})


def _gocardless(delivery: Delivery) -> object:
    from gocardless_pro import webhooks

    header = delivery.header("Webhook-Signature")
    return taken(webhooks.parse, delivery.body, delivery.secret, header)


def _resend(delivery: Delivery) -> object:
    from resend import Webhooks

    parts = ("id", "timestamp", "signature")
    options = {
        "payload": delivery.text,
        "headers": {part: delivery.header(f"svix-{part}") for part in parts},
        "webhook_secret": delivery.secret,
    }
    return taken(Webhooks.verify, options)


def _workos(delivery: Delivery) -> object:
    from workos.webhooks._verification import verify_header

    return taken(
        verify_header,
        event_body=delivery.body,
        event_signature=delivery.header("WorkOS-Signature"),
        secret=delivery.secret,
    )


def _messagebird(delivery: Delivery) -> object:
    from messagebird.request_validator import RequestValidator

    validator = RequestValidator(delivery.secret)
    header = delivery.header("MessageBird-Signature-JWT")
    return taken(validator.validate_signature, header, delivery.url, delivery.body)


def _telnyx(delivery: Delivery) -> object:
    from telnyx.lib.webhook_verification import verify_webhook_signature

    key = delivery.public_base64
    return taken(verify_webhook_signature, delivery.body, delivery.headers, key)


def _modern_treasury(delivery: Delivery) -> object:
    from modern_treasury import ModernTreasury

    webhooks = ModernTreasury(api_key="fake", organization_id="fake").webhooks
    return webhooks.validate_signature(delivery.text, delivery.headers, key=delivery.secret)


def _modern_treasury_signs(delivery: Delivery) -> RawRequest:
    from modern_treasury import ModernTreasury

    webhooks = ModernTreasury(api_key="fake", organization_id="fake").webhooks
    value = webhooks.get_signature(delivery.text, key=delivery.secret)
    return delivery.with_headers({"X-Signature": value})


def _retell(delivery: Delivery) -> object:
    from retell.lib.webhook_auth import verify

    return verify(delivery.text, delivery.secret, delivery.header("x-retell-signature"))


def _retell_signs(delivery: Delivery) -> RawRequest:
    from retell.lib.webhook_auth import symmetric

    value = symmetric["sign"](delivery.text, delivery.secret, delivery.now)
    return delivery.with_headers({"x-retell-signature": value})


def _qstash(delivery: Delivery) -> object:
    from qstash import Receiver

    receiver = Receiver(delivery.secret, delivery.secret)
    header = delivery.header("Upstash-Signature")
    return taken(receiver.verify, signature=header, body=delivery.text, url=delivery.url)


def _replicate(delivery: Delivery) -> object:
    from replicate.webhook import Webhooks, WebhookSigningSecret

    return taken(  # it says no by raising, and nothing for yes
        Webhooks.validate,
        headers=delivery.headers,
        body=delivery.text,
        secret=WebhookSigningSecret(key=delivery.secret),
        tolerance=300,
    )


def _elevenlabs(delivery: Delivery) -> object:
    from elevenlabs import ElevenLabs

    webhooks = ElevenLabs(api_key="fake").webhooks
    header = delivery.header("ElevenLabs-Signature")
    return taken(webhooks.construct_event, delivery.text, header, delivery.secret)


def _worldline(delivery: Delivery) -> object:
    from onlinepayments.sdk.communication.request_header import RequestHeader
    from onlinepayments.sdk.webhooks.signature_validator import SignatureValidator

    store = SimpleNamespace(get_secret_key=lambda _: delivery.secret)
    header = RequestHeader("X-GCS-Signature", delivery.header("X-GCS-Signature"))
    fields = [header, RequestHeader("X-GCS-KeyId", "key")]
    return taken(SignatureValidator(store).validate, delivery.body, fields)


def _vonage(delivery: Delivery) -> object:
    from vonage_jwt import verify_signature

    token = delivery.header("Authorization").removeprefix("Bearer ")
    return verify_signature(token, delivery.secret)


def _plivo(delivery: Delivery) -> object:
    from plivo.utils import validate_signature

    return validate_signature(
        delivery.url,
        delivery.header("X-Plivo-Signature-V2-Nonce"),
        delivery.header("X-Plivo-Signature-V2"),
        delivery.secret,
    )


def _dropbox_sign(delivery: Delivery) -> object:
    from dropbox_sign import EventCallbackHelper, EventCallbackRequest

    callback = EventCallbackRequest.init(json.loads(delivery.text))
    return EventCallbackHelper.is_valid(delivery.secret, callback)


def _anthropic(delivery: Delivery) -> object:
    from anthropic import Anthropic

    webhooks = Anthropic(api_key="fake").beta.webhooks
    return taken(webhooks.unwrap, delivery.text, headers=delivery.headers, key=delivery.secret)


def _increase(delivery: Delivery) -> object:
    from increase import Increase

    events = Increase(api_key="fake").events
    return taken(events.unwrap, delivery.text, headers=delivery.headers, key=delivery.secret)


def _polar(delivery: Delivery) -> object:
    from polar.webhooks import validate_event

    kind = json.loads(delivery.text)["type"]
    return taken(
        validate_event, delivery.body, delivery.headers, delivery.secret, frozenset({kind}), dict
    )


def _getstream(delivery: Delivery) -> object:
    from stream_chat import StreamChat

    client = StreamChat(api_key="fake", api_secret=delivery.secret)
    return client.verify_webhook(delivery.body, delivery.header("X-Signature"))


def _pusher(delivery: Delivery) -> object:
    from pusher import Pusher

    client = Pusher(app_id="1", key="fake", secret=delivery.secret)
    return client.validate_webhook("fake", delivery.header("X-Pusher-Signature"), delivery.body)


def _finch(delivery: Delivery) -> object:
    from finch import Finch

    webhooks = Finch(access_token="fake").webhooks
    return taken(webhooks.verify_signature, delivery.body, delivery.headers, secret=delivery.secret)


def _orb(delivery: Delivery) -> object:
    from orb import Orb

    webhooks = Orb(api_key="fake").webhooks
    return taken(webhooks.verify_signature, delivery.body, delivery.headers, secret=delivery.secret)


def _lithic(delivery: Delivery) -> object:
    from lithic import Lithic

    webhooks = Lithic(api_key="fake").webhooks
    return taken(webhooks.verify_signature, delivery.body, delivery.headers, secret=delivery.secret)


def _easypost(delivery: Delivery) -> object:
    from easypost.util import validate_webhook

    headers = {"X-Hmac-Signature": delivery.header("X-Hmac-Signature")}
    return taken(validate_webhook, delivery.body, headers, delivery.secret)


def _livekit(delivery: Delivery) -> object:
    from livekit.api import TokenVerifier, WebhookReceiver

    issuer = delivery.kit.settings["api_key"]
    receiver = WebhookReceiver(TokenVerifier(issuer, delivery.secret))
    return taken(receiver.receive, delivery.text, delivery.header("Authorization"))


def _livekit_signs(delivery: Delivery) -> RawRequest:
    from livekit.api import AccessToken

    digest = base64.b64encode(sha256(delivery.body).digest()).decode()
    issuer = delivery.kit.settings["api_key"]
    token = AccessToken(issuer, delivery.secret).with_sha256(digest).to_jwt()
    return delivery.with_headers({"Authorization": token})


def _braintree_gateway(delivery: Delivery) -> object:
    import braintree

    return braintree.BraintreeGateway(
        braintree.Configuration(
            braintree.Environment.Sandbox,
            merchant_id="fake",
            public_key=delivery.kit.settings["public_key"],
            private_key=delivery.secret,
        )
    )


def _braintree(delivery: Delivery) -> object:
    gateway: Any = _braintree_gateway(delivery)
    form = delivery.form
    return taken(gateway.webhook_notification.parse, form["bt_signature"], form["bt_payload"])


def _braintree_signs(delivery: Delivery) -> RawRequest:
    gateway: Any = _braintree_gateway(delivery)
    made = gateway.webhook_testing.sample_notification("subscription_went_past_due", "fake")
    return msgspec.structs.replace(delivery.request, body=urlencode(made).encode())


def _braintree_own(_kit: Kit) -> list[RawRequest]:
    text = (
        '<notification><timestamp type="datetime">2026-01-31T12:00:00Z</timestamp>'
        f"<kind>check</kind><subject><check>{NOTE}</check></subject></notification>"
    )
    fields = {"bt_payload": base64.encodebytes(text.encode()).decode()}
    return [_request(urlencode(fields), FORM)]


def _dropbox_sign_own(_kit: Kit) -> list[RawRequest]:
    event = {"event_time": "1700000000", "event_type": "signature_request_signed"}
    return [_request(json.dumps({"event": event | {"event_hash": ""}, "note": NOTE}))]


def _compact(_kit: Kit) -> list[RawRequest]:
    """Payloads as JSON.stringify writes them: WorkOS's package for Node takes no others."""
    return [
        _request(json.dumps(json.loads(request.body), ensure_ascii=False, separators=(",", ":")))
        for _, request in payloads("workos")
    ]


def _request(body: str, content_type: str = "application/json") -> RawRequest:
    return RawRequest(
        target="/hooks/in",
        headers=Headers.of([("Content-Type", content_type)]),
        body=body.encode(),
        base_url=BASE_URL,
    )


def _gidgethub(name: str) -> Callable[[Delivery], object]:
    def accepts(delivery: Delivery) -> object:
        from gidgethub.sansio import validate_event

        header = delivery.header(name)
        return taken(validate_event, delivery.body, signature=header, secret=delivery.secret)

    return accepts


def _pywa(delivery: Delivery) -> object:
    from pywa.utils import webhook_updates_validator

    header = delivery.header("X-Hub-Signature-256")
    return webhook_updates_validator(delivery.secret, delivery.body, header)


OWN: dict[str, Callable[[Kit], list[RawRequest]]] = {
    "braintree": _braintree_own,
    "dropbox-sign": _dropbox_sign_own,
    "workos": _compact,
}
"""Payloads for the packages that read more of them than the signature."""
PARTLY = frozenset({"adyen", "braintree", "dropbox-sign", "plivo", "vonage"})
"""Schemes whose signature does not cover the whole body."""


def _sdk(
    scheme: str,
    package: str,
    module: str,
    accepts: Callable[[Delivery], object],
    signs: Callable[[Delivery], RawRequest] | None = None,
) -> Oracle:
    return Oracle(
        scheme=scheme,
        package=package,
        module=module,
        accepts=accepts,
        signs=signs,
        covers_body=scheme not in PARTLY,
        own=OWN.get(scheme),
    )


ORACLES = (
    _sdk("stripe", "stripe", "stripe", lambda d: taken(_stripe, d), _stripe_signs),
    _sdk("svix", "svix", "svix", _svix, _svix_signs),
    _sdk("clerk", "svix", "svix", _svix, _svix_signs),
    _sdk("standard-webhooks", "standardwebhooks", "standardwebhooks", _standard, _standard_signs),
    _sdk("supabase", "standardwebhooks", "standardwebhooks", _standard, _standard_signs),
    _sdk("slack", "slack_sdk", "slack_sdk", _slack, _slack_signs),
    _sdk("twilio", "twilio", "twilio", _twilio, _twilio_signs),
    _sdk("discord", "discord-interactions", "discord_interactions", _discord),
    _sdk("discord", "PyNaCl", "nacl", _discord_nacl, _discord_signs),
    _sdk("openai", "openai", "openai", _openai),
    _sdk("line", "line-bot-sdk", "linebot", _line),
    _sdk("paddle", "paddle-python-sdk", "paddle_billing", _paddle, _paddle_signs),
    _sdk("razorpay", "razorpay", "razorpay", _razorpay),
    _sdk("square", "squareup", "square", _square),
    _sdk("sendgrid", "sendgrid", "sendgrid", _sendgrid),
    *(
        _sdk(scheme, "hubspot-api-client", "hubspot", _hubspot(version), _hubspot_signs(version))
        for scheme, version in (("hubspot", "v3"), ("hubspot/v1", "v1"), ("hubspot/v2", "v2"))
    ),
    _sdk("coinbase-commerce", "coinbase-commerce", "coinbase_commerce", _coinbase),
    _sdk("adyen", "Adyen", "Adyen", _adyen, _adyen_signs),
    _sdk("adyen/header", "Adyen", "Adyen", _adyen_header, _adyen_header_signs),
    _sdk("gocardless", "gocardless_pro", "gocardless_pro", _gocardless),
    _sdk("resend", "resend", "resend", _resend),
    _sdk("workos", "workos", "workos", _workos),
    _sdk("messagebird", "messagebird", "messagebird", _messagebird),
    _sdk("telnyx", "telnyx", "telnyx", _telnyx),
    _sdk(
        "modern-treasury",
        "modern-treasury",
        "modern_treasury",
        _modern_treasury,
        _modern_treasury_signs,
    ),
    _sdk("retell", "retell-sdk", "retell", _retell, _retell_signs),
    _sdk("qstash", "qstash", "qstash", _qstash),
    _sdk("replicate", "replicate", "replicate", _replicate),
    _sdk("elevenlabs", "elevenlabs", "elevenlabs", _elevenlabs),
    _sdk("worldline", "onlinepayments-sdk-python3", "onlinepayments", _worldline),
    _sdk("vonage", "vonage-jwt", "vonage_jwt", _vonage),
    _sdk("plivo", "plivo", "plivo", _plivo),
    _sdk("dropbox-sign", "dropbox-sign", "dropbox_sign", _dropbox_sign),
    _sdk("anthropic", "anthropic", "anthropic", _anthropic),
    _sdk("increase", "increase", "increase", _increase),
    _sdk("polar", "polar-sdk", "polar", _polar),
    _sdk("getstream", "stream-chat", "stream_chat", _getstream),
    _sdk("pusher", "pusher", "pusher", _pusher),
    _sdk("finch", "finch-api", "finch", _finch),
    _sdk("orb", "orb-billing", "orb", _orb),
    _sdk("lithic", "lithic", "lithic", _lithic),
    _sdk("easypost", "easypost", "easypost", _easypost),
    _sdk("livekit", "livekit-api", "livekit", _livekit, _livekit_signs),
    _sdk("braintree", "braintree", "braintree", _braintree, _braintree_signs),
    _sdk("github", "gidgethub", "gidgethub", _gidgethub("X-Hub-Signature-256")),
    _sdk("github/sha1", "gidgethub", "gidgethub", _gidgethub("X-Hub-Signature")),
    _sdk("whatsapp", "pywa", "pywa", _pywa),
)
