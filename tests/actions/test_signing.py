"""Adapter: what is signed is what another hookagent verifies."""

import time

import pytest

from hookagent.actions.client import Request
from hookagent.actions.signing import Signing, signed
from hookagent.actions.values import Secret
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.verify import Verifier
from tests.actions.conftest import call_of

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@pytest.mark.parametrize("scheme", ["standard-webhooks", "stripe", "github"])
def test_a_signed_request_verifies(scheme):
    now = int(time.time() * 1000)
    request = Request(method="POST", url="https://a.test/x?y=1", body=b'{"a": 1}')

    made = signed(request, Signing(scheme=scheme, secret=Secret(SECRET)), call_of(), now)

    raw = RawRequest(
        method=made.method,
        target="/x?y=1",
        headers=Headers.of(made.headers),
        body=made.body,
        received_at=now,
        base_url="https://a.test",
    )
    assert Verifier(catalog.scheme(scheme), [SECRET]).verify(raw, now).valid
    assert (made.url, made.body) == (request.url, request.body)


def test_the_message_id_is_the_idempotency_key():
    request = Request(method="POST", url="https://a.test/", body=b"{}")

    made = signed(
        request,
        Signing(scheme="standard-webhooks", secret=Secret(SECRET)),
        call_of(),
        1_760_000_000_000,
    )

    assert ("webhook-id", "run_1-0") in {(name.lower(), value) for name, value in made.headers}


def test_an_unknown_scheme_is_told_with_the_nearest_name():
    from hookagent.actions.registry import bind

    with pytest.raises(ConfigError, match="no scheme `standard-webhook`"):
        bind(
            "http",
            {"url": "https://a.test", "sign": {"scheme": "standard-webhook", "secret": "x" * 24}},
            Environment({}),
        )
