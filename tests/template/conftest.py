"""A scope to render templates in."""

import pytest

from hookagent.event import Event, Headers, RawRequest
from hookagent.template import Scope
from hookagent.verdict import Code, Verdict


def scope_of(payload, *, steps=None, facts=None, headers=None):
    request = RawRequest(headers=Headers.of(headers or {}), received_at=1_760_000_000_000)
    verdict = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)
    event = Event(
        id="evt_1", source="shop", type="order", request=request, verdict=verdict, payload=payload
    )
    return Scope(event=event, steps=steps or {}, facts=facts or {})


@pytest.fixture
def scope():
    return scope_of
