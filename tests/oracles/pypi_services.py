"""Other providers' own Python packages, each called as its documentation says.

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

import msgspec

from hookagent.event import RawRequest
from tests.oracles.bench import Delivery, taken
from tests.oracles.own import sdk

MESSAGE_ID = "msg_2Lh9"


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


def _twilio(algorithm: str) -> Callable[[Delivery], object]:
    def accepts(delivery: Delivery) -> object:
        from twilio.request_validator import RequestValidator

        payload = delivery.form if delivery.is_form else delivery.text
        header = delivery.header("X-Twilio-Signature")
        return RequestValidator(delivery.secret).validate(delivery.url, payload, header, algorithm)

    return accepts


def _twilio_signs(algorithm: str) -> Callable[[Delivery], RawRequest]:
    def signs(delivery: Delivery) -> RawRequest:
        from twilio.request_validator import RequestValidator

        validator = RequestValidator(delivery.secret)
        fields = delivery.form if delivery.is_form else {}
        if not delivery.is_form:
            joint = "&" if "?" in delivery.request.target else "?"
            target = delivery.request.target + joint
            target += f"bodySHA256={validator.compute_hash(delivery.text)}"
            delivery = delivery.of(msgspec.structs.replace(delivery.request, target=target))
        value = validator.compute_signature(delivery.url, fields, algorithm)
        return delivery.with_headers({"X-Twilio-Signature": value})

    return signs


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


def _getstream(delivery: Delivery) -> object:
    from stream_chat import StreamChat

    client = StreamChat(api_key="fake", api_secret=delivery.secret)
    return client.verify_webhook(delivery.body, delivery.header("X-Signature"))


def _pusher(delivery: Delivery) -> object:
    from pusher import Pusher

    client = Pusher(app_id="1", key="fake", secret=delivery.secret)
    return client.validate_webhook("fake", delivery.header("X-Pusher-Signature"), delivery.body)


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


ORACLES = (
    sdk("svix", "svix", "svix", _svix, _svix_signs),
    sdk("clerk", "svix", "svix", _svix, _svix_signs),
    sdk("standard-webhooks", "standardwebhooks", "standardwebhooks", _standard, _standard_signs),
    sdk("supabase", "standardwebhooks", "standardwebhooks", _standard, _standard_signs),
    sdk("slack", "slack_sdk", "slack_sdk", _slack, _slack_signs),
    *(
        sdk(scheme, "twilio", "twilio", _twilio(algorithm), _twilio_signs(algorithm))
        for scheme, algorithm in (("twilio", "HMAC_SHA1"), ("twilio/shared-key", "HMAC_SHA256"))
    ),
    sdk("discord", "discord-interactions", "discord_interactions", _discord),
    sdk("discord", "PyNaCl", "nacl", _discord_nacl, _discord_signs),
    sdk("openai", "openai", "openai", _openai),
    sdk("line", "line-bot-sdk", "linebot", _line),
    sdk("sendgrid", "sendgrid", "sendgrid", _sendgrid),
    *(
        sdk(scheme, "hubspot-api-client", "hubspot", _hubspot(version), _hubspot_signs(version))
        for scheme, version in (("hubspot", "v3"), ("hubspot/v1", "v1"), ("hubspot/v2", "v2"))
    ),
    sdk("resend", "resend", "resend", _resend),
    sdk("workos", "workos", "workos", _workos),
    sdk("messagebird", "messagebird", "messagebird", _messagebird),
    sdk("telnyx", "telnyx", "telnyx", _telnyx),
    sdk("retell", "retell-sdk", "retell", _retell, _retell_signs),
    sdk("qstash", "qstash", "qstash", _qstash),
    sdk("replicate", "replicate", "replicate", _replicate),
    sdk("elevenlabs", "elevenlabs", "elevenlabs", _elevenlabs),
    sdk("vonage", "vonage-jwt", "vonage_jwt", _vonage),
    sdk("plivo", "plivo", "plivo", _plivo),
    sdk("dropbox-sign", "dropbox-sign", "dropbox_sign", _dropbox_sign),
    sdk("anthropic", "anthropic", "anthropic", _anthropic),
    sdk("getstream", "stream-chat", "stream_chat", _getstream),
    sdk("pusher", "pusher", "pusher", _pusher),
    sdk("livekit", "livekit-api", "livekit", _livekit, _livekit_signs),
    sdk("github", "gidgethub", "gidgethub", _gidgethub("X-Hub-Signature-256")),
    sdk("github/sha1", "gidgethub", "gidgethub", _gidgethub("X-Hub-Signature")),
    sdk("whatsapp", "pywa", "pywa", _pywa),
)
