"""Whole: `hookagent forward` in a process of its own, between a sender and an application."""

import hmac
import http.client
import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from hashlib import sha256

import pytest

from tests.patience import PATIENCE_S
from tests.whole.served import lines
from tests.whole.served import run as hookagent


class Forwarding:
    """A running `forward`."""

    def __init__(self, process):
        self.process = process
        self.seen = []
        self.port = int(self.wait_for("ready")["listener"].rpartition(":")[2])

    def wait_for(self, event, **fields):
        """Return the first thing of that kind, new or seen, whose fields are these."""
        for found in self.seen:
            if self._fits(found, event, fields):
                return found
        for line in self.process.stdout:
            self.seen.append(json.loads(line))
            if self._fits(self.seen[-1], event, fields):
                return self.seen[-1]
        raise AssertionError(f"no {event} {fields} among {self.seen}")

    @staticmethod
    def _fits(found, event, fields):
        return found["event"] == event and all(found.get(k) == v for k, v in fields.items())

    def request(self, method="POST", path="/in", body=b"{}", headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()


@contextmanager
def forwarding(folder, target, *arguments, command=("forward",)):
    """Run `forward` in an empty folder for the time of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hookagent", *command, target, "--port", "0", "--no-inspector", "--json", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Forwarding(process)
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in err


def test_a_request_reaches_the_application_and_its_answer_the_sender(tmp_path, app):
    body = b'{ "action":"opened",  "number": 1.0 }\n\xff'
    app.answer = lambda headers, body: (201, b"made")
    with forwarding(tmp_path, str(app.url.rpartition(":")[2])) as agent:
        status, headers, answer = agent.request(
            path="/hooks/a?b=c%20d",
            body=body,
            headers={
                "X-GitHub-Event": "pull_request",
                "X-Hub-Signature-256": "sha256=00",
                "X-Own": "é".encode(),
                "Host": "public.test",
            },
        )
        told = agent.wait_for("delivered")
        ran = agent.wait_for("ran")

    ((method, path, got, received),) = app.came
    assert (status, headers["Content-Type"], answer) == (201, "text/plain", b"made")
    assert (method, path, received) == ("POST", "/hooks/a?b=c%20d", body)
    assert (got["x-hub-signature-256"], got["x-forwarded-host"]) == ("sha256=00", "public.test")
    assert got["x-hookagent-event"] == told["id"]
    assert (told["status"], told["source"], told["type"]) == (201, "github", "pull_request")
    assert (ran["state"], ran["rule"]) == ("done", "forward")
    (shown,) = lines(hookagent(tmp_path, "inspect", told["id"], "--json"))
    assert (shown["verdict"]["reason"], shown["verdict"]["integrity"]) == ("unchecked", "none")
    (step,) = shown["runs"][0]["steps"]
    assert step["output"] == {"url": f"{app.url}/hooks/a?b=c%20d", "status": 201, "body": "made"}
    assert b"UNVERIFIED" in hookagent(tmp_path, "inspect").stdout


def test_what_nobody_recognises_and_what_comes_twice_is_passed_on_too(tmp_path, app):
    with forwarding(tmp_path, app.url) as agent:
        for method in ("POST", "POST", "PUT", "GET", "DELETE"):
            assert agent.request(method, "/any/where", b"not json")[0] == 200
        told = [agent.wait_for("delivered")]

    rows = lines(hookagent(tmp_path, "inspect", "--json"))
    assert [method for method, *_ in app.came] == ["POST", "POST", "PUT", "GET", "DELETE"]
    assert len(rows) == 5
    assert {row["source"] for row in rows} == {"unknown"}
    assert {row["duplicates"] for row in rows} == {0}
    assert told[0]["integrity"] == "none"


def test_a_target_with_a_path_gets_everything_there(tmp_path, app):
    with forwarding(tmp_path, f"{app.url}/webhooks") as agent:
        agent.request(path="/a?x=1")

    assert app.came[0][1] == "/webhooks?x=1"


def test_an_error_of_the_application_is_passed_back_and_shown(tmp_path, app):
    app.answer = lambda headers, body: (500, b"broken")
    with forwarding(tmp_path, app.url) as agent:
        status, _, answer = agent.request()
        ran = agent.wait_for("ran")

    (shown,) = lines(hookagent(tmp_path, "inspect", ran["id"], "--json"))
    assert (status, answer) == (500, b"broken")
    assert (ran["state"], ran["error"]) == ("failed", "answered 500")
    assert shown["runs"][0]["reason"] == "answered 500"


def test_an_application_that_is_not_there_is_a_bad_gateway_and_the_event_is_kept(tmp_path):
    with forwarding(tmp_path, "http://127.0.0.1:1") as agent:
        status, _, answer = agent.request()

    assert (status, json.loads(answer)["error"]) == (502, "bad-gateway")
    assert len(lines(hookagent(tmp_path, "inspect", "--json"))) == 1


def test_an_application_that_is_too_slow_is_not_waited_for(tmp_path, app):
    given_up = threading.Event()

    def answer(headers, body):
        given_up.wait(PATIENCE_S)
        return 200, b""

    app.answer = answer
    with forwarding(tmp_path, app.url, "--timeout", "200ms") as agent:
        status, _, _ = agent.request()
        ran = agent.wait_for("ran")
        given_up.set()

    assert status == 504
    assert ran["error"] == "no answer within 0.2 s"


def test_what_was_captured_is_replayed_at_once(tmp_path, app):
    with forwarding(tmp_path, app.url) as agent:
        agent.request(path="/in?a=1", body=b'{"n": 1}', headers={"X-Own": "1"})
        first = agent.wait_for("delivered")
        replayed = hookagent(tmp_path, "replay", first["id"], "--json")
        again = agent.wait_for("delivered", origin="replay")

    assert replayed.returncode == 0, replayed.stderr
    assert [(path, body) for _, path, _, body in app.came] == [("/in?a=1", b'{"n": 1}')] * 2
    assert app.came[1][2]["x-own"] == "1"
    assert "x-hookagent-replay" not in app.came[1][2]
    assert again["parent"] == first["id"]


def test_serve_forwards_the_same_way(tmp_path, app, run):
    with forwarding(tmp_path, app.url, command=("serve", "--forward")) as agent:
        status, _, _ = agent.request(path="/in", body=b"plain")
        told = agent.wait_for("delivered")

    assert status == 200
    assert [body for *_, body in app.came] == [b"plain"]
    assert (told["source"], told["code"]) == ("unknown", "unchecked")
    for more in (["--dry-run"], ["--insecure", "x"]):
        code, _, err = run("serve", "--forward", "3000", *more)
        assert code == 2
        assert "goes alone" in err


def pushed(secret="old-secret-of-the-provider-1"):
    """Return a body and headers as GitHub sends them, signed."""
    body = b'{"zen": 1}'
    return body, {
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest(),
    }


def test_what_was_captured_is_signed_anew_by_a_scheme_or_a_source_of_its_provider(tmp_path, app):
    body, headers = pushed()
    with forwarding(tmp_path, app.url) as agent:
        agent.request(path="/gh", body=body, headers=headers)
        event = agent.wait_for("delivered")["id"]
        plain = hookagent(tmp_path, "replay", event)
        meant = hookagent(tmp_path, "replay", event, "--as-is")
        given = hookagent(tmp_path, "replay", event, "--scheme", "github", "--secret", "new-1")
        guessed = hookagent(
            tmp_path, "replay", "--source", "github", "--secret", "new-2", "--limit", "1"
        )
        (tmp_path / "hookagent.toml").write_text(
            '[sources.hub]\npath = "/hub"\nscheme = "github"\nsecret = "vK3mQ9xLr7TzB4nW8cJfD2hG"\n'
        )
        (tmp_path / "hookagent.toml").chmod(0o600)
        known = hookagent(tmp_path, "replay", event)

    assert [one.returncode for one in (plain, meant, given, guessed, known)] == [0] * 5
    assert b"not signed anew" in plain.stderr
    assert b"--scheme github --secret" in plain.stderr
    assert [one.stderr for one in (meant, given, guessed, known)] == [b""] * 4
    assert {path for _, path, _, _ in app.came} == {"/gh"}
    old = headers["X-Hub-Signature-256"]
    expected = [
        pushed(secret)[1]["X-Hub-Signature-256"]
        for secret in ("new-1", "new-2", "vK3mQ9xLr7TzB4nW8cJfD2hG")
    ]
    assert [one["x-hub-signature-256"] for _, _, one, _ in app.came] == [old, old, old, *expected]


def test_a_scheme_that_nobody_can_guess_is_asked_for(tmp_path, app):
    with forwarding(tmp_path, app.url) as agent:
        agent.request(path="/in", body=b"{}")
        event = agent.wait_for("delivered")["id"]
        found = hookagent(tmp_path, "replay", event, "--secret", "s")

    assert found.returncode == 2
    assert b"--scheme NAME" in found.stderr


def test_compressed_bodies_go_through_as_they_are(tmp_path, app):
    with forwarding(tmp_path, app.url) as agent:
        status, _, _ = agent.request(body=b"\x1f\x8b\x00", headers={"Content-Encoding": "gzip"})

    assert status == 200
    assert (app.came[0][2]["content-encoding"], app.came[0][3]) == ("gzip", b"\x1f\x8b\x00")


@pytest.mark.parametrize(
    "arguments",
    [["0"], ["nowhere"], ["ftp://a.test"], ["http://a.test:x"], ["8787"], ["3000", "--timeout", "1h"],
     ["http://localhost:9000", "--port", "9000"], ["3000", "--output", "loud"]],
)  # fmt: skip
def test_what_cannot_be_forwarded_to_is_wrong_usage(run, folder, arguments):
    assert run("forward", *arguments)[0] == 2
