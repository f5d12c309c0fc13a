"""What leaves in an export holds no secret, and still verifies where a signature proves it."""

import pytest

from hookagent.config.load import load
from hookagent.event import Headers, RawRequest
from hookagent.eventfile import Captured
from hookagent.pipeline.masking import masked
from tests.whole.served import SECRET, write_project

TOKEN = """
[sources.desk]
path = "/hooks/desk"
scheme = { algorithm = "token", query = "key" }
secret = "nT5cW8qPz3RkV7mX2bYhD4fJ"
"""


@pytest.fixture
def config(tmp_path):
    write_project(tmp_path, more=TOKEN)
    return load(tmp_path / "hookagent.toml", environ={}, cwd=tmp_path)


def shown(config, source, target="/hooks", **headers):
    request = RawRequest(target=target, headers=Headers.of(headers.items()))
    return masked(Captured(request=request, source=source), config).request


def test_a_signature_over_the_body_stays_and_a_token_does_not(config):
    fields = {"X-Shop-Signature": "sha256=00ff", "Authorization": "Bearer abc", "X-Plain": "1"}

    assert dict(shown(config, "shop", **fields).headers.items()) == {
        "X-Shop-Signature": "sha256=00ff", "Authorization": "Bearer ***", "X-Plain": "1",
    }  # fmt: skip
    assert dict(shown(config, "desk", **fields).headers.items())["X-Shop-Signature"] == "***"


def test_a_known_secret_is_masked_wherever_it_stands(config):
    found = shown(config, "shop", f"/hooks?x={SECRET}", **{"X-Odd": f"a {SECRET} b"})

    assert found.target == "/hooks?x=***"
    assert found.headers.text("x-odd") == "a *** b"


def test_a_token_in_the_query_is_masked_and_a_signature_there_stays(config):
    assert shown(config, "desk", "/hooks/desk?key=abcdef&a=1").target == "/hooks/desk?key=***&a=1"
    assert shown(config, "shop", "/hooks?sig=abcdef").target == "/hooks?sig=abcdef"
