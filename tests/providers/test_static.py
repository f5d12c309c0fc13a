"""Tokens, user and password, and nothing at all."""

import base64

import pytest

from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.sign import sign
from hookagent.providers.verify import Verifier
from hookagent.verdict import Code, Integrity, Verdict

TOKEN = "correct-horse-battery-staple"


def verdict(
    name: str, headers: dict[str, str], *, secret: str = TOKEN, target: str = "/", body: bytes = b""
) -> Verdict:
    provider = catalog.load(name)
    scheme = provider.main.scheme or provider.scheme_with({"header": "X-Secret-Token"})
    request = RawRequest(target=target, headers=Headers.of(headers), body=body)
    return Verifier(scheme, [secret]).verify(request, 0)


def test_the_token_of_the_support_agent() -> None:
    good = verdict("token", {"X-Secret-Token": TOKEN})
    assert good.valid
    assert good.integrity is Integrity.TOKEN
    assert good.content_key == b""
    missing = verdict("token", {})
    assert (missing.code, missing.status) == (Code.MISSING, 401)
    for wrong in (TOKEN[:-1], TOKEN + "x", "é", TOKEN.upper()):
        found = verdict("token", {"X-Secret-Token": wrong})
        assert (found.code, found.status) == (Code.WRONG_TOKEN, 401)


def test_a_bearer_token() -> None:
    assert verdict("bearer", {"Authorization": f"Bearer {TOKEN}"}).valid
    assert verdict("bearer", {"Authorization": f"bearer {TOKEN}"}).valid
    assert verdict("bearer", {"Authorization": TOKEN}).code is Code.MALFORMED


def test_a_token_in_the_query_is_decoded_once() -> None:
    assert verdict("query-token", {}, target="/?token=a%2Bb", secret="a+b").valid
    assert verdict("query-token", {}, target="/?token=a&token=a", secret="a").code is Code.DOUBLED
    assert verdict("query-token", {}).code is Code.MISSING


def test_user_and_password() -> None:
    def basic(text: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    secret = "user:pa:ss"
    assert verdict("basic", basic(secret), secret=secret).valid
    wrong = verdict("basic", basic("user:pass"), secret=secret)
    assert (wrong.code, wrong.status) == (Code.WRONG_TOKEN, 401)
    assert verdict("basic", basic("user"), secret=secret).code is Code.MALFORMED
    assert verdict("basic", {"Authorization": "Basic !"}, secret=secret).code is Code.MALFORMED
    assert verdict("basic", {"Authorization": "Bearer x"}, secret=secret).code is Code.MISSING


def test_none_says_that_nothing_was_checked() -> None:
    found = verdict("none", {})
    assert (found.valid, found.code, found.integrity) == (True, Code.UNCHECKED, Integrity.NONE)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"value":[{"clientState":"S"},{"clientState":"S"}]}', Code.OK),
        (b'{"value":[{"clientState":"S"},{"clientState":"T"}]}', Code.WRONG_TOKEN),
        (b'{"value":[{"clientState":"S"},{}]}', Code.MISSING),
        (b'{"value":[{"clientState":"S"},7]}', Code.MISSING),
        (b'{"value":[]}', Code.MISSING),
        (b'{"value":{"clientState":"S"}}', Code.MISSING),
        (b"{}", Code.MISSING),
        (b"", Code.MISSING),
    ],
)
def test_every_element_of_a_batch_must_hold_the_token(body: bytes, code: Code) -> None:
    assert verdict("microsoft-graph", {}, secret="S", body=body).code is code


def test_every_element_is_given_the_token_when_signed() -> None:
    scheme = catalog.scheme("microsoft-graph")
    signed = sign(scheme, RawRequest(body=b'{"value":[{"a":1},{"a":2}]}'), "S", now=0)
    assert signed.body == b'{"value":[{"a":1,"clientState":"S"},{"a":2,"clientState":"S"}]}'
