"""What single packages need: payloads of their own, and how much of a delivery they cover."""

import base64
import json
from collections.abc import Callable
from urllib.parse import urlencode

from hookagent.event import Headers, RawRequest
from tests.oracles.bench import FORM, NOTE, Delivery, Oracle, payloads
from tests.providers.kit import BASE_URL, Kit


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


OWN: dict[str, Callable[[Kit], list[RawRequest]]] = {
    "braintree": _braintree_own,
    "dropbox-sign": _dropbox_sign_own,
    "workos": _compact,
}
"""Payloads for the packages that read more of them than the signature."""
PARTLY = frozenset({"adyen", "braintree", "dropbox-sign", "plivo", "vonage"})
"""Schemes whose signature does not cover the whole body."""


def sdk(
    scheme: str,
    package: str,
    module: str,
    accepts: Callable[[Delivery], object],
    signs: Callable[[Delivery], RawRequest] | None = None,
) -> Oracle:
    """Make the oracle of a Python package."""
    return Oracle(
        scheme=scheme,
        package=package,
        module=module,
        accepts=accepts,
        signs=signs,
        covers_body=scheme not in PARTLY,
        own=OWN.get(scheme),
    )
