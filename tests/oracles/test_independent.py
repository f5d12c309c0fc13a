"""What a few lines written from the documentation sign, hookagent accepts, and it signs the same."""

import pytest

from hookagent.providers import catalog
from hookagent.providers.sign import sign
from hookagent.providers.verify import Verifier
from tests.oracles.bench import payloads
from tests.oracles.independent import FORMS
from tests.providers.kit import NOW


@pytest.mark.parametrize("name", FORMS)
def test_the_documentation_and_hookagent_sign_alike(name: str) -> None:
    form, scheme = FORMS[name], catalog.scheme(name)
    for what, request in payloads(name):
        headers = form.headers(form.secret, request.body.decode(), NOW // 1000)
        message_id = next(
            (value for key, value in headers.items() if key.lower().endswith("id")), ""
        )
        ours = sign(scheme, request, form.secret, now=NOW, message_id=message_id)
        assert {name: ours.headers.text(name) for name in headers} == dict(headers), what
        assert Verifier(scheme, [form.secret]).verify(ours, NOW).valid, what
