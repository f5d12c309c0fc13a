"""Payment providers' own Python packages, each called as its documentation says.

Everything is imported where it is used: without the packages this module is still importable.
"""

# The packages are optional, so that mypy may not find them.
# mypy: disable-error-code="import-not-found, import-untyped"

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import msgspec

from hookagent.event import RawRequest
from tests.oracles.bench import Delivery, taken
from tests.oracles.own import sdk


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


def _modern_treasury(delivery: Delivery) -> object:
    from modern_treasury import ModernTreasury

    webhooks = ModernTreasury(api_key="fake", organization_id="fake").webhooks
    return webhooks.validate_signature(delivery.text, delivery.headers, key=delivery.secret)


def _modern_treasury_signs(delivery: Delivery) -> RawRequest:
    from modern_treasury import ModernTreasury

    webhooks = ModernTreasury(api_key="fake", organization_id="fake").webhooks
    value = webhooks.get_signature(delivery.text, key=delivery.secret)
    return delivery.with_headers({"X-Signature": value})


def _worldline(delivery: Delivery) -> object:
    from onlinepayments.sdk.communication.request_header import RequestHeader
    from onlinepayments.sdk.webhooks.signature_validator import SignatureValidator

    store = SimpleNamespace(get_secret_key=lambda _: delivery.secret)
    header = RequestHeader("X-GCS-Signature", delivery.header("X-GCS-Signature"))
    fields = [header, RequestHeader("X-GCS-KeyId", "key")]
    return taken(SignatureValidator(store).validate, delivery.body, fields)


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


def _braintree_gateway(delivery: Delivery) -> object:
    import braintree

    return braintree.BraintreeGateway(
        braintree.Configuration(
            braintree.Environment.Sandbox,
            merchant_id="fake",
            public_key=delivery.kit.settings["api_public_key"],
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


ORACLES = (
    sdk("stripe", "stripe", "stripe", lambda d: taken(_stripe, d), _stripe_signs),
    sdk("paddle", "paddle-python-sdk", "paddle_billing", _paddle, _paddle_signs),
    sdk("razorpay", "razorpay", "razorpay", _razorpay),
    sdk("square", "squareup", "square", _square),
    sdk("coinbase-commerce", "coinbase-commerce", "coinbase_commerce", _coinbase),
    sdk("adyen", "Adyen", "Adyen", _adyen, _adyen_signs),
    sdk("adyen/header", "Adyen", "Adyen", _adyen_header, _adyen_header_signs),
    sdk("gocardless", "gocardless_pro", "gocardless_pro", _gocardless),
    sdk(
        "modern-treasury",
        "modern-treasury",
        "modern_treasury",
        _modern_treasury,
        _modern_treasury_signs,
    ),
    sdk("worldline", "onlinepayments-sdk-python3", "onlinepayments", _worldline),
    sdk("increase", "increase", "increase", _increase),
    sdk("polar", "polar-sdk", "polar", _polar),
    sdk("finch", "finch-api", "finch", _finch),
    sdk("orb", "orb-billing", "orb", _orb),
    sdk("lithic", "lithic", "lithic", _lithic),
    sdk("easypost", "easypost", "easypost", _easypost),
    sdk("braintree", "braintree", "braintree", _braintree, _braintree_signs),
)
