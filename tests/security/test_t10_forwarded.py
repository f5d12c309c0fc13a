"""T10: what a request says about where it came from changes nothing that matters."""

import json

import pytest

from tests.whole.served import lines, run, serving, signature, write_project

FORGED = {
    "X-Forwarded-For": "192.0.2.10",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "443",
    "X-Real-IP": "192.0.2.10",
    "Forwarded": 'for=192.0.2.10;host=evil.example;proto=https;by="_x"',
    "Ngrok-Auth-User-Email": "admin@example.test",
    "Ngrok-Trace-Id": "1",
    "CF-Connecting-IP": "192.0.2.10",
    "True-Client-IP": "192.0.2.10",
    "X-Original-URL": "/hooks/open",
    "X-Rewrite-URL": "/hooks/open",
    "X-HTTP-Method-Override": "GET",
    "Host": "evil.example",
}
MORE = """
allow_ips = ["192.0.2.0/24"]
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Run an agent whose source takes deliveries from one network only."""
    with serving(write_project(tmp_path_factory.mktemp("t10"), more=MORE)) as agent:
        yield agent


@pytest.mark.parametrize("name", FORGED)
def test_t10_a_forged_header_opens_no_allow_list(guarded, name):
    body = json.dumps({"id": name}).encode()

    status, _, _ = guarded.request(
        "POST", "/hooks/shop", body, {"X-Shop-Signature": signature(body), name: FORGED[name]}
    )

    assert status == 403


def test_t10_all_of_them_change_neither_verdict_nor_address(shop):
    body = b'{"id":"t10"}'

    unsigned = shop.request("POST", "/hooks/shop", body, FORGED)[0]
    status, _, answer = shop.request(
        "POST", "/hooks/shop", body, FORGED | {"X-Shop-Signature": signature(body)}
    )

    assert (unsigned, status) == (401, 200)
    (event,) = lines(run(shop.folder, "inspect", json.loads(answer)["id"], "--json"))
    assert event["client_ip"] == "127.0.0.1"
    assert "evil" not in event["url"]
