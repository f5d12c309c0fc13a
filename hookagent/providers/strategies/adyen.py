"""Adyen's classic notifications: every item carries its own HMAC over eight of its fields.

The fields are joined with `:` and nothing is escaped (Adyen/adyen-python-api-library,
`Adyen/util.py`). Every item of a batch must be genuine; one forged item refuses the delivery.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from hookagent.event import RawRequest
from hookagent.lookup import MISSING, Path, first
from hookagent.payload import Parsed, read_json
from hookagent.providers.check import Check, Circumstances, Proof
from hookagent.providers.codec import decode_base64, encode_base64
from hookagent.providers.mac import hmac_maker, matching
from hookagent.providers.refusal import Refusal
from hookagent.providers.secret import key_of
from hookagent.providers.signing import Signing
from hookagent.providers.view import View, text_of
from hookagent.verdict import Code

ITEMS = "notificationItems"
ITEM = "NotificationRequestItem"
SIGNATURE: Path = ("additionalData", "hmacSignature")
FIELDS: tuple[Path, ...] = (
    ("pspReference",),
    ("originalReference",),
    ("merchantAccountCode",),
    ("merchantReference",),
    ("amount", "value"),
    ("amount", "currency"),
    ("eventCode",),
    ("success",),
)
ITEMS_MAX = 1_000


def check(circumstances: Circumstances) -> Check:
    """Build the check."""
    form = circumstances.scheme.secret
    makers = [hmac_maker(key_of(secret, form), "sha256") for secret in circumstances.secrets]

    def judge(view: View, _now: int) -> Proof:
        if not makers:
            raise Refusal(Code.KEY_UNAVAILABLE, "the source has no secret yet")
        contents: list[bytes] = []
        matched: set[int] = set()
        for number, item in enumerate(items_of(view.document)):
            content = content_of(item)
            contents.append(content)
            matched.add(_match(item, number, content, makers))
        return Proof(min(matched), None, sha256(b"\n".join(contents)).digest())

    return judge


def _match(
    item: Any,
    number: int,
    content: bytes,
    makers: list[Callable[[bytes], bytes]],
) -> int:
    """Return which secret an item is signed with."""
    text = text_of(first(SIGNATURE, item))
    if not text:
        raise Refusal(Code.MISSING, f"item {number} has no `additionalData.hmacSignature`")
    given = decode_base64(text)
    if given is None:
        raise Refusal(Code.MALFORMED, f"the signature of item {number} is not base64")
    index = matching([given], [make(content) for make in makers])
    if index is None:
        raise Refusal(Code.MISMATCH, f"the signature of item {number} does not match")
    return index


def items_of(document: Any) -> list[Any]:
    """Return the items of a notification; a payload without any proves nothing."""
    entries = first((ITEMS,), document) if document is not MISSING else MISSING
    if not isinstance(entries, list) or not entries:
        raise Refusal(Code.MISSING, f"the payload has no `{ITEMS}`")
    if len(entries) > ITEMS_MAX:
        raise Refusal(Code.TOO_MANY, f"more than {ITEMS_MAX} items")
    return [entry.get(ITEM) if isinstance(entry, dict) else None for entry in entries]


def content_of(item: Any) -> bytes:
    """Join the signed fields of one item; a missing one is empty."""
    return b":".join([text_of(first(path, item)) or b"" for path in FIELDS])


def sign(signing: Signing, request: RawRequest) -> RawRequest:
    """Put a signature into every item."""
    parsed = read_json(request.body)
    document = parsed.value if isinstance(parsed, Parsed) else None
    make = hmac_maker(key_of(signing.secret, signing.scheme.secret), "sha256")
    for item in items_of(document):
        if isinstance(item, dict):
            extra = item.get("additionalData")
            signature = encode_base64(make(content_of(item))).decode()
            item["additionalData"] = {
                **(extra if isinstance(extra, dict) else {}),
                "hmacSignature": signature,
            }
    return msgspec.structs.replace(request, body=msgspec.json.encode(document))
