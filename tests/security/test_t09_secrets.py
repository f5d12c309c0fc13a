"""T9: run with secrets that are known, then look for them everywhere."""

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.whole.served import OURS, WAIT_S, run, serving, signature, write_project

HMAC = "hmac-canary-4f1d9e7c2b8a6350"
ACTION = "action-canary-93b7e1c4d2f05a68"
STRANGER = "stranger-canary-77aa11bb22cc33dd"
TUNNEL = "tunnel-canary-0a1b2c3d4e5f6071"
SECRETS = (HMAC, ACTION, TUNNEL)
SHOW = "import json,os,sys; json.dump([sys.argv, dict(os.environ)], open('child.json', 'w'))"
RULES = f"""
[rule.child]
[[rule.child.do]]
action = "exec"
command = [{json.dumps(sys.executable)}, "-c", {json.dumps(SHOW)}, "{{{{ id }}}}"]
[[rule.child.do]]
action = "http"
url = "http://127.0.0.1:9/${{API_KEY}}"
headers = {{ Authorization = "Bearer ${{API_KEY}}" }}
json = {{ key = "${{API_KEY}}" }}
retry = {{ attempts = 1 }}
[rule.breaks]
[[rule.breaks.do]]
action = "exec"
command = ["./no-such-program", "{{{{ id }}}}"]
env = {{ KEY = "${{API_KEY}}" }}
retry = {{ attempts = 1 }}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Run an agent through good, bad and failing work; return its project and what it said."""
    folder = tmp_path_factory.mktemp("t09")
    project = write_project(folder, rules=RULES)
    config = project / "hookagent.toml"
    text = config.read_text()
    start = text.index("secret = ")
    line = text[start : text.index("\n", start)]
    config.write_text(text.replace(line, 'secret = "${SHOP_SECRET}"'))
    env = f"SHOP_SECRET={HMAC}\nAPI_KEY={ACTION}\n"
    (project / ".env").write_text(env)
    (project / ".env").chmod(0o600)
    body = b'{"id":"1","type":"t"}'
    environ = {"NGROK_AUTHTOKEN": TUNNEL, "STRANGER": STRANGER}
    with serving(project, "--inspector", environ=environ) as agent:
        agent.request("POST", "/hooks/shop", body, {"X-Shop-Signature": signature(body, HMAC)})
        agent.request("POST", "/hooks/shop", body, {"X-Shop-Signature": signature(body, "wrong")})
        agent.wait_for("ran", rule="child", state="dead")
        agent.wait_for("ran", rule="breaks", state="dead")
        told = Path(f"/proc/{agent.process.pid}/cmdline").read_bytes()
        pages = crawled(agent.inspector, agent.seen)
        agent.stop()
    return Finished(project, json.dumps(agent.seen) + agent.stderr + told.decode(), pages)


class Finished(NamedTuple):
    project: Path
    said: str
    pages: dict[str, tuple[int, bytes]]
    """Every answer of the inspector's interface, by what was asked."""


def crawled(address: str, seen: list[dict[str, Any]]) -> dict[str, tuple[int, bytes]]:
    """Ask the inspector everything that can be asked of it."""
    host, _, token = address.removeprefix("http://").partition("/?token=")
    event = next(one["id"] for one in seen if one["event"] == "ran")
    refused = next(one["id"] for one in seen if one.get("outcome") == "rejected")
    paths = [
        "/api/overview", "/api/events", f"/api/events/{event}", f"/api/events/{event}/body",
        *(f"/api/events/{event}/export/{form}" for form in ("json", "har", "curl", "pytest")),
        f"/api/events/{event}/verdict", f"/api/events/{event}/rules", f"/api/diff?a={event}&b={event}",
        "/api/rejected", f"/api/rejected/{refused}", "/api/targets", "/api/sources/shop/samples",
        "/api/sources/shop/qr", "/api/runs", "/api/approvals", "/api/statistics", "/metrics", "/healthz",
        "/readyz", "/", "/api/nowhere", f"/api/events/{event}/export/x",
    ]  # fmt: skip
    posts = {
        f"/api/events/{event}/replay": {}, "/api/sources/shop/craft": {"data": {"id": "crafted"}},
        "/api/rules/draft": {"id": event}, "/api/rules/try": {"text": RULES, "id": event},
    }  # fmt: skip
    found = {}
    for path, body in [*((path, None) for path in paths), *posts.items()]:
        connection = http.client.HTTPConnection(host, timeout=WAIT_S)
        headers = {"Authorization": f"Bearer {token}", "X-Hookagent": "1"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, data, headers)
        answer = connection.getresponse()
        found[path] = answer.status, str(answer.getheaders()).encode() + answer.read()
        connection.close()
    return found


def hits(text: str | bytes) -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    return [secret for secret in SECRETS if secret.encode() in data]


def test_t09_what_the_agent_says_holds_no_secret(finished):
    assert hits(finished.said) == []


def test_t09_nothing_the_inspector_answers_holds_a_secret(finished):
    answered = {path: status for path, (status, _) in finished.pages.items() if status == 200}

    assert len(answered) > 20, {path: status for path, (status, _) in finished.pages.items()}
    assert {
        path: found for path, (_, body) in finished.pages.items() if (found := hits(body))
    } == {}


def test_t09_no_file_but_the_users_own_holds_a_secret(finished):
    project = finished.project
    own = {project / ".env"}
    files = [file for file in project.rglob("*") if file.is_file() and file not in own]

    assert any(file.name == "hookagent.db" for file in files)
    assert {str(file): found for file in files if (found := hits(file.read_bytes()))} == {}


def test_t09_a_child_is_told_no_secret_it_was_not_given(finished):
    arguments, environ = json.loads((finished.project / "child.json").read_text())

    assert hits(json.dumps([arguments, environ])) == []
    assert STRANGER not in json.dumps(environ)
    assert "NGROK_AUTHTOKEN" not in environ


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect",), ("inspect", "LAST"), ("inspect", "LAST", "--json"),
        ("inspect", "LAST", "--export", "json"), ("inspect", "LAST", "--export", "har"),
        ("inspect", "LAST", "--export", "curl"), ("inspect", "LAST", "--export", "pytest"),
        ("dead", "--json"), ("dead",), ("doctor", "--json"), ("rules", "check"), ("trust",),
        ("rules", "explain", "LAST"), ("verify", "LAST"), ("replay", "LAST", "--dry-run"),
    ],
)  # fmt: skip
def test_t09_no_command_prints_a_secret(finished, arguments):
    project = finished.project
    newest = json.loads(run(project, "inspect", "--json", "--limit", "1").stdout.splitlines()[0])
    named = [newest["id"] if one == "LAST" else one for one in arguments]

    done = run(project, *named)

    assert hits(done.stdout + done.stderr) == []
    assert b"Traceback" not in done.stderr


def test_t09_a_bug_of_ours_writes_a_traceback_without_secrets(finished):
    project = finished.project
    script = (
        "import hookagent.pipeline.rulebook as r\n"
        "def broken(*a, **k):\n    secret = a\n    raise RuntimeError(f'bug with {a}')\n"
        "r.load_rulebook = broken\n"
        "import sys; from hookagent.cli.main import main; sys.exit(main(['rules', 'check']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project, capture_output=True, timeout=60, check=False,
        env={**os.environ, **OURS},
    )  # fmt: skip

    written = b"".join(file.read_bytes() for file in project.rglob("*traceback*") if file.is_file())
    assert hits(done.stdout + done.stderr + written) == []


def test_t09_the_agent_leaves_no_core(tmp_path):
    with serving(write_project(tmp_path)) as agent:
        limits = Path(f"/proc/{agent.process.pid}/limits").read_text()
        agent.stop()

    (line,) = (line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4] == "0"
