"""Whole: a provider nobody knows, from one small file, over real HTTP."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.privatekeys import make_pair
from hookagent.providers.shape import Family
from hookagent.providers.sign import sign
from tests.whole.served import SECRET, Served, run, serving, write_project

FORM_SCHEME = """
id = "id"
id_signed = true
type = "kind"
[scheme]
algorithm = "hmac-sha256"
header = "X-Acme-Signature"
json_part = "event"
"""
KEY_SCHEME = """
[scheme]
algorithm = "ed25519"
header = "X-Acme-Signature"
keys = { url = "https://127.0.0.1/key.pem", hosts = ["127.0.0.1"] }
"""
SOURCES = f"""
[sources.acme]
path = "/hooks/acme"
scheme = "acme"
secret = "{SECRET}"

[sources.acme-keys]
path = "/hooks/acme-keys"
scheme = "acme-keys"
"""


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    project = write_project(tmp_path_factory.mktemp("own") / "project", more=SOURCES)
    config = project / "hookagent.toml"
    config.write_text('schemes_dir = "schemes"\n' + config.read_text())
    (project / "schemes").mkdir()
    (project / "schemes" / "acme.toml").write_text(FORM_SCHEME)
    (project / "schemes" / "acme-keys.toml").write_text(KEY_SCHEME)
    with serving(project) as served:
        yield served


def signed(text: str, secret: str, body: bytes, content_type: str) -> RawRequest:
    scheme = catalog.read(text, "acme.toml", "acme", is_own=True).scheme
    headers = Headers.of({"Content-Type": content_type})
    return sign(scheme, RawRequest(headers=headers, body=body), secret, now=0)


def test_json_inside_a_form_reaches_the_events_id_and_type(agent: Served) -> None:
    body = urlencode({"event": '{"id": "e1", "kind": "thing.done"}'}).encode()
    request = signed(FORM_SCHEME, SECRET, body, "application/x-www-form-urlencoded")

    first = agent.request("POST", "/hooks/acme", request.body, dict(request.headers.items()))
    agent.request("POST", "/hooks/acme", request.body, dict(request.headers.items()))

    assert first[0] == 200
    told = agent.wait_for("delivered", outcome="accepted")
    assert (told["source"], told["type"]) == ("acme", "thing.done")
    agent.wait_for("delivered", outcome="duplicate")


def test_without_the_published_key_the_sender_is_asked_to_come_again(agent: Served) -> None:
    private, _ = make_pair(Family.ED25519)
    request = signed(KEY_SCHEME, private, b"{}", "application/json")

    status, headers, body = agent.request(
        "POST", "/hooks/acme-keys", request.body, dict(request.headers.items())
    )

    assert (status, headers["retry-after"]) == (503, "5")
    assert b"key" not in body
    told = agent.wait_for("delivered", source="acme-keys")
    assert (told["code"], told["status"]) == ("key-unavailable", 503)
    assert "127.0.0.1" in told["detail"]
    said = agent.wait_for("logged")["line"]
    assert "could not be fetched" in said
    assert "local address" in said


def test_commands_know_the_schemes_file(agent: Served) -> None:
    shown = run(agent.folder, "schemes", "acme")

    assert b'scheme = "acme"' in shown.stdout
