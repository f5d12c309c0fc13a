"""Adapter: CloudEvents 1.0 over HTTP, both modes."""

import base64
import json

import pytest

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from tests.actions.conftest import act

JSON = {"Content-Type": "application/json"}


async def test_binary_mode_keeps_the_body_and_puts_attributes_into_headers(outside, echo):
    body = b'{ "a" : 1 }'
    options = {
        "url": echo.url,
        "subject": "{{ s }}",
        "extensions": {"region": "eu"},
    }
    await act("cloudevents", options, outside, {"s": 'Ü "50%"'}, body=body, headers=JSON)

    request, seen = echo.seen[0]
    assert seen == body
    headers = {name: value for name, value in request.headers.items() if name.startswith("ce-")}
    assert headers == {
        "ce-id": "evt_1",
        "ce-source": "/hookagent/shop",
        "ce-type": "order.paid",
        "ce-specversion": "1.0",
        "ce-time": "2025-10-09T08:53:20.000Z",
        "ce-subject": "%C3%9C%20%2250%25%22",
        "ce-region": "eu",
    }
    assert request.headers["Content-Type"] == "application/json"


async def test_structured_mode_is_one_json(outside, echo):
    options = {
        "url": echo.url,
        "mode": "structured",
        "type": "com.shop.{{ t }}",
        "data": {"n": "{{ n }}"},
    }

    await act("cloudevents", options, outside, {"t": "paid", "n": 3})

    request, seen = echo.seen[0]
    assert request.headers["Content-Type"] == "application/cloudevents+json; charset=UTF-8"
    assert json.loads(seen) == {
        "id": "evt_1",
        "source": "/hookagent/shop",
        "type": "com.shop.paid",
        "specversion": "1.0",
        "time": "2025-10-09T08:53:20.000Z",
        "datacontenttype": "application/json",
        "data": {"n": 3},
    }


async def test_structured_mode_carries_other_bytes_as_base64(outside, echo):
    await act("cloudevents", {"url": echo.url, "mode": "structured"}, outside, body=b"\xff\x00")

    whole = json.loads(echo.seen[0][1])
    assert base64.b64decode(whole["data_base64"]) == b"\xff\x00"
    assert whole["datacontenttype"] == "application/octet-stream"


async def test_it_may_be_signed(outside, echo):
    sign = {"scheme": "standard-webhooks", "secret": "${SECRET}"}

    await act("cloudevents", {"url": echo.url, "sign": sign}, outside)

    assert "webhook-signature" in echo.seen[0][0].headers


@pytest.mark.parametrize("name", ["id", "Big", "with-dash", "data"])
def test_an_extension_needs_a_name_of_its_own(name):
    with pytest.raises(ConfigError, match="extension"):
        bind("cloudevents", {"url": "https://a.test", "extensions": {name: "x"}}, Environment({}))
