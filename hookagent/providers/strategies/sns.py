"""Amazon SNS: RSA over members of the message, which names the certificate's address itself.

(aws/aws-php-sns-message-validator.) The address must be one of SNS's own hosts before anything is
asked of it. `SignatureVersion` 1 is SHA-1, 2 is SHA-256. The setting `topic_arn`, when given, pins
the topic: any AWS customer can send rightly signed messages.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from hookagent.event import RawRequest
from hookagent.eventfile import format_time
from hookagent.payload import Parsed, read_json
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import decode_base64, encode_base64
from hookagent.providers.keyaddress import SNS_HOSTS
from hookagent.providers.keyring import Keyring
from hookagent.providers.pinning import is_pinned
from hookagent.providers.privatekeys import make_signature, read_private_key
from hookagent.providers.publickeys import verifies
from hookagent.providers.refusal import Refusal
from hookagent.providers.shape import Family
from hookagent.providers.signing import Signing
from hookagent.providers.stamp import check_age, parse_stamp
from hookagent.providers.view import View
from hookagent.verdict import Code

HOSTS = SNS_HOSTS
HASHES: Mapping[str, str] = {"1": "sha1", "2": "sha256"}
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": NOTIFICATION,
    "SubscriptionConfirmation": CONFIRMATION,
    "UnsubscribeConfirmation": CONFIRMATION,
}
OPTIONAL = frozenset({"Subject"})
CERTIFICATE_NAMES = ("SigningCertURL", "SigningCertUrl")
"""The second is how Lambda spells it."""
SUBSCRIBE_NAMES = {"SubscribeURL": ("SubscribeURL", "SubscribeUrl")}


def check(circumstances: Circumstances) -> Check:
    """Build the check."""
    ring = Keyring(circumstances, frozenset({Family.RSA}))
    rule = circumstances.scheme.timestamp
    window = rule.tolerance_ms if rule else 0
    if circumstances.tolerance_ms is not None:
        window = circumstances.tolerance_ms

    def judge(view: View, now: int) -> Proof:
        message = _message(view)
        url = _certificate_url(message)
        hash_name = HASHES.get(_text(message, "SignatureVersion"))
        if hash_name is None:
            raise Refusal(Code.MALFORMED, "`SignatureVersion` is neither 1 nor 2")
        signature = decode_base64(_text(message, "Signature").encode())
        if signature is None:
            raise Refusal(Code.MALFORMED, "`Signature` is not base64")
        signed_at = parse_stamp(_text(message, "Timestamp").encode(), "rfc3339")
        if signed_at is None:
            raise Refusal(Code.MALFORMED_TIMESTAMP, "`Timestamp` is not an RFC 3339 time")
        check_age(signed_at, now, window)
        content = content_of(message)
        for index, key in ring.keys_at(url, "certificate", HOSTS, now):
            if verifies(key, Family.RSA, hash_name, signature, content):
                return Proof(index, signed_at, sha256(content).digest())
        raise Refusal(Code.MISMATCH, "the signature is not one of the certificate's key")

    return judge


def _message(view: View) -> dict[str, Any]:
    """Return the message, of the pinned topic when one is pinned."""
    document = view.document
    if not isinstance(document, dict) or "Signature" not in document:
        raise Refusal(Code.MISSING, "the payload has no `Signature`")
    topic = view.settings.get("topic_arn", "")
    if topic and document.get("TopicArn") != topic:
        raise Refusal(Code.UNTRUSTED_KEY, "the message is of another topic than `topic_arn`")
    return document


def _text(message: Mapping[str, Any], name: str) -> str:
    value = message.get(name)
    return value if isinstance(value, str) else ""


def _certificate_url(message: Mapping[str, Any]) -> str:
    urls = [_text(message, name) for name in CERTIFICATE_NAMES if name in message]
    if len(urls) != 1 or not is_pinned(urls[0], HOSTS) or not urls[0].endswith(".pem"):
        raise Refusal(Code.UNTRUSTED_KEY, "`SigningCertURL` is not an address of SNS")
    return urls[0]


def content_of(message: Mapping[str, Any]) -> bytes:
    """Write the signed members, name and value each on a line."""
    names = SIGNED.get(_text(message, "Type"))
    if names is None:
        raise Refusal(Code.MALFORMED, "`Type` is not a kind of SNS message")
    lines: list[str] = []
    for name in names:
        value = _member(message, name)
        if value is None and name in OPTIONAL:
            continue
        if not isinstance(value, str):
            raise Refusal(Code.MISSING_PART, f"`{name}` is missing")
        lines += [name, value]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")


def _member(message: Mapping[str, Any], name: str) -> Any:
    for spelled in SUBSCRIBE_NAMES.get(name, (name,)):
        if spelled in message:
            return message[spelled]
    return None


def sign(signing: Signing, request: RawRequest) -> RawRequest:
    """Sign the message with a private RSA key, filling in what it lacks."""
    parsed = read_json(request.body)
    given = parsed.value if isinstance(parsed, Parsed) and isinstance(parsed.value, dict) else {}
    message = {
        "Type": "Notification",
        "MessageId": signing.message_id,
        "TopicArn": signing.settings.get("topic_arn") or "arn:aws:sns:us-east-1:000000000000:test",
        "Message": "" if "Type" in given else request.body.decode("utf-8", "replace"),
        **(given if "Type" in given else {}),
        "Timestamp": format_time(signing.now),
        "SignatureVersion": "2",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-test.pem",
    }
    message.pop("SigningCertUrl", None)
    key = read_private_key(signing.secret, Family.RSA)
    signature = make_signature(key, Family.RSA, "sha256", content_of(message))
    message["Signature"] = encode_base64(signature).decode()
    return msgspec.structs.replace(request, body=msgspec.json.encode(message))
