"""T6: a signed request acts once, however often and whenever it comes."""

import json
import threading
import time

import pytest

from hookagent.event import Headers, RawRequest
from hookagent.providers.sign import sign
from tests.patience import PATIENCE_S
from tests.providers.kit import KEY, kit
from tests.whole.served import SECRET, lines, run, serving, signature, write_project

RULES = '[rule.acts]\n[[rule.acts.do]]\naction = "file"\npath = "acted.txt"\nline = "{{ n }}"\n'
MORE = """
[sources.hub]
path = "/hooks/hub"
scheme = "github"
secret = "{secret}"

[sources.stamped]
path = "/hooks/stamped"
scheme = "standard-webhooks"
secret = "{stamped}"
"""
STAMPED = kit("standard-webhooks")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    more = MORE.format(secret=SECRET, stamped=STAMPED.verifying)
    return write_project(tmp_path_factory.mktemp("t06"), rules=RULES, more=more)


@pytest.fixture(scope="module")
def agent(project):
    with serving(project) as running:
        yield running


def acted(project, name) -> int:
    file = project / "acted.txt"
    return file.read_text().splitlines().count(name) if file.exists() else 0


def hub(body: bytes, delivery: str) -> dict[str, str]:
    return {
        "X-Hub-Signature-256": signature(body),
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": delivery,
        "Content-Type": "application/json",
    }


def settled(agent, project, name) -> int:
    """Let a marker of its own pass through, so that everything before it has acted."""
    agent.post({"id": f"marker-{name}", "n": f"marker-{name}"})
    until_acted(project, f"marker-{name}")
    return acted(project, name)


def until_acted(project, name) -> None:
    """Wait for an effect; it is in a file, and nothing tells of it."""
    deadline = time.monotonic() + PATIENCE_S
    while not acted(project, name) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_t06_the_same_bytes_act_once(agent, project):
    body = json.dumps({"id": "same", "n": "same"}).encode()
    headers = {"X-Shop-Signature": signature(body)}

    found = [agent.request("POST", "/hooks/shop", body, headers)[2] for _ in range(10)]

    assert [json.loads(one)["status"] for one in found] == ["accepted"] + ["duplicate"] * 9
    assert settled(agent, project, "same") == 1


def test_t06_a_changed_delivery_id_that_nobody_signed_changes_nothing(agent, project):
    body = json.dumps({"n": "unsigned-id"}).encode()

    found = [
        agent.request("POST", "/hooks/hub", body, hub(body, f"72d3162e-cc78-11e3-81ab-{n:012}"))
        for n in range(5)
    ]

    assert {status for status, *_ in found} == {200}
    assert settled(agent, project, "unsigned-id") == 1


def test_t06_a_changed_query_or_header_that_nobody_signed_changes_nothing(agent, project):
    body = json.dumps({"n": "unsigned-query"}).encode()
    for number in range(5):
        agent.request(
            "POST", f"/hooks/hub?x={number}", body, hub(body, "same") | {"X-N": str(number)}
        )

    assert settled(agent, project, "unsigned-query") == 1


def test_t06_a_hundred_at_once_act_once(agent, project):
    body = json.dumps({"id": "at-once", "n": "at-once"}).encode()
    headers = {"X-Shop-Signature": signature(body)}
    found: list[str] = []

    def send() -> None:
        for _ in range(10):
            answer = agent.request("POST", "/hooks/shop", body, headers)[2]
            found.append(json.loads(answer)["status"])

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == ["accepted"] + ["duplicate"] * 99
    assert settled(agent, project, "at-once") == 1


@pytest.mark.parametrize(
    ("offset_s", "expected"),
    [(-200, 204), (200, 204), (-305, 403), (400, 403), (10**9, 403), (-(10**9), 403)],
)
def test_t06_a_signed_time_is_believed_within_five_minutes(agent, project, offset_s, expected):
    body = json.dumps({"n": f"at-{offset_s}"}).encode()
    request = RawRequest(method="POST", target="/hooks/stamped", headers=Headers.of([]), body=body)
    proven = sign(
        STAMPED.scheme, request, STAMPED.signing,
        now=int((time.time() + offset_s) * 1000), message_id=f"msg_{offset_s + 10**10}",
    )  # fmt: skip

    status, _, _ = agent.request("POST", "/hooks/stamped", body, dict(proven.headers.items()))

    assert status == expected
    assert settled(agent, project, f"at-{offset_s}") == (expected == 204)


def test_t06_the_exact_edge_is_in_and_one_second_more_is_out():
    now = 1_700_000_000_000
    proven = STAMPED.signed(now=now)
    verify = STAMPED.verifier().verify

    assert [verify(proven, now + s * 1000).valid for s in (-301, -300, -299, 299, 300, 301)] == [
        False, True, True, True, True, False,
    ]  # fmt: skip


def test_t06_a_restart_forgets_nothing(tmp_path):
    project = write_project(
        tmp_path, rules=RULES, more=MORE.format(secret=SECRET, stamped=KEY.hex())
    )
    body = json.dumps({"n": "restart"}).encode()
    for kill in (True, False, True):
        with serving(project) as agent:
            status, _, _ = agent.request("POST", "/hooks/hub", body, hub(body, str(kill)))
            assert status == 200
            if kill:
                agent.kill()
            else:
                agent.stop()
    with serving(project) as agent:
        until_acted(project, "restart")
        acts = settled(agent, project, "restart")
        agent.stop()
    assert acts in {1, 2}  # the kill may have cut the first off
    (event,) = (one for one in lines(run(project, "inspect", "--json")) if one["source"] == "hub")
    assert event["duplicates"] == 2
