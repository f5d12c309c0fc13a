"""What providers and tunnels keep of deliveries: ngrok's requests, GitHub's deliveries, Stripe's.

GitHub and Stripe give the payload as JSON, not the bytes that were sent: the old signature cannot
fit, and a replay signs anew.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import msgspec

from hookagent.errors import UsageError
from hookagent.eventfile import Captured
from hookagent.pipeline.captures.making import captured, moment
from hookagent.pipeline.captures.wire import request_of

JSON = ("Content-Type", "application/json")
SECOND_MS = 1_000


def is_ngrok(value: dict[str, Any]) -> bool:
    """Whether this is the answer of the agent's API, or one request of it."""
    requests = value.get("requests")
    if isinstance(requests, list):
        return all(isinstance(one, dict) and "tunnel_name" in one for one in requests)
    return "tunnel_name" in value and isinstance(value.get("request"), dict)


def read_ngrok(data: bytes, name: str) -> Iterator[Captured]:
    """Yield the requests that ngrok's agent kept (ngrok.com/docs/agent/api, captured requests).

    Raises UsageError, too where the agent kept only a part of the bytes.
    """
    value = _decoded(data, name)
    found = value.get("requests", [value]) if isinstance(value, dict) else []
    for number, one in enumerate(found, start=1):
        place = f"{name}, request {number}"
        try:
            raw = base64.b64decode(one["request"]["raw"], validate=True)
            started = moment(one.get("start"))
        except (KeyError, TypeError, AttributeError, binascii.Error):
            raise UsageError(f"{place} is not a request that ngrok kept") from None
        yield request_of(raw, place, received_at=started)


def is_github(value: dict[str, Any]) -> bool:
    """Whether this is a delivery of GitHub's API."""
    request = value.get("request")
    return (
        {"guid", "event"} <= value.keys()
        and isinstance(request, dict)
        and {"headers", "payload"} <= request.keys()
    )


def read_github(data: bytes, name: str) -> Iterator[Captured]:
    """Yield the delivery of GitHub's `GET …/hooks/ID/deliveries/ID`. Raises UsageError."""
    value = _decoded(data, name)
    try:
        request = value["request"]
        body = msgspec.json.encode(request["payload"])
        headers = list(request["headers"].items())
        delivered = moment(value.get("delivered_at"))
        url = value.get("url") or "/"
    except (KeyError, TypeError, AttributeError):
        raise UsageError(f"{name} is not a delivery of GitHub") from None
    yield captured(name, method="POST", url=url, headers=headers, body=body, received_at=delivered)


def is_stripe(value: dict[str, Any]) -> bool:
    """Whether this is an event of Stripe, or a list of them."""
    if value.get("object") == "list":
        items = value.get("data")
        return isinstance(items, list) and bool(items) and all(map(_is_stripe_event, items))
    return _is_stripe_event(value)


def _is_stripe_event(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("object") == "event"
        and {"id", "type", "data", "created"} <= value.keys()
    )


def read_stripe(data: bytes, name: str) -> Iterator[Captured]:
    """Yield events as the Stripe CLI prints them: one object, a list, or one to a line."""
    try:
        values = [msgspec.json.decode(data)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        values = [_decoded(line, name) for line in data.splitlines() if line.strip()]
    for value in values:
        is_list = isinstance(value, dict) and value.get("object") == "list"
        for event in value["data"] if is_list else [value]:
            if not _is_stripe_event(event):
                raise UsageError(f"{name} holds something that is not an event of Stripe")
            yield _stripe_event(event, name)


def _stripe_event(event: dict[str, Any], name: str) -> Captured:
    created = event["created"]
    found = captured(
        name,
        method="POST",
        url="/",
        headers=[JSON],
        body=msgspec.json.format(msgspec.json.encode(event), indent=2),
        received_at=int(created) * SECOND_MS if isinstance(created, int) else 0,
    )
    return msgspec.structs.replace(found, type=str(event["type"]))


def _decoded(data: bytes, name: str) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON: {error}") from None
