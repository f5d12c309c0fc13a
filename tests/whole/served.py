"""Starts `hookagent serve` in a process of its own and talks to it over real HTTP."""

import hmac
import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_S

SECRET = "kX2mW9qLr7TzV4nB8cJfD3hG"
WAIT_S = PATIENCE_S
OURS = {"HOOKAGENT_CONFIG": "", "HOOKAGENT_TRUST": "all"}
"""Of the environment: no configuration from outside, and every test's own commands allowed."""

CONFIG = """
[server]
port = 0
{server}

[inspector]
port = 0

[store]
url = "sqlite:///.hookagent/hookagent.db"

[sources.shop]
path = "/hooks/shop"
scheme = {{ algorithm = "hmac-sha256", header = "X-Shop-Signature", prefix = "sha256=", encoding = "hex", signed = "{{body}}" }}
secret = "{secret}"
dedup = "id"
type = "type"
{more}
"""


def write_project(folder: Path, *, rules: str = "", server: str = "", more: str = "") -> Path:
    """Write a project with one source `shop`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "hookagent.toml"
    config.write_text(CONFIG.format(secret=SECRET, server=server, more=more))
    config.chmod(0o600)
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "test.toml").write_text(rules)
    return folder


class Served:
    """A running agent."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environ: dict[str, str] | None = None,
        command: str = "serve",
        launcher: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self._errors = (folder / "stderr").open("ab")
        self.process = subprocess.Popen(
            [
                *launcher,
                sys.executable,
                "-m",
                "hookagent",
                command,
                "--json",
                "--no-inspector",
                "--config",
                str(folder / "hookagent.toml"),
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=folder,
            env={**os.environ, **OURS, **(environ or {})},
        )
        self.news: queue.Queue[dict[str, Any]] = queue.Queue()
        self.seen: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            ready = self.wait_for("ready")
        except AssertionError:
            self.close()
            raise
        self.listener = ready["listener"]
        self.inspector = ready["inspector"]
        self.port = int(self.listener.rpartition(":")[2]) if self.listener else 0

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):  # a kill may cut the last one
                self.news.put(json.loads(line))
        self.news.put({"event": "eof"})

    def wait_for(self, event: str, **fields: object) -> dict[str, Any]:
        """Return the first thing of that kind, new or seen, whose fields are these."""
        deadline = time.monotonic() + WAIT_S
        checked = 0
        while True:
            while checked < len(self.seen):
                found = self.seen[checked]
                checked += 1
                if found["event"] == event and all(found.get(k) == v for k, v in fields.items()):
                    return found
            try:
                self.seen.append(self.news.get(timeout=max(deadline - time.monotonic(), 0.01)))
            except queue.Empty:
                raise AssertionError(
                    f"no {event} {fields} among {self.seen}: {self.stderr}"
                ) from None
            if self.seen[-1]["event"] == "eof":
                raise AssertionError(f"the agent ended: {self.stderr}")

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request and return status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return (
                response.status,
                {k.lower(): v for k, v in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()

    def post(
        self, payload: object, *, path: str = "/hooks/shop", secret: str = SECRET
    ) -> tuple[int, dict[str, Any]]:
        """Send a signed payload and return status and decoded answer."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        status, _, answer = self.request(
            "POST", path, body, {"X-Shop-Signature": signature(body, secret)}
        )
        return status, json.loads(answer)

    def close(self) -> None:
        """End it if it still runs, and let go of its pipes."""
        if self.process.poll() is None:
            self.kill()
        self._reader.join(WAIT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()

    def kill(self) -> None:
        """End it as the power would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT_S)

    def stop(self) -> int:
        """End it as a person would."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WAIT_S)


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()


@contextmanager
def serving(folder: Path, *arguments: str, environ: dict[str, str] | None = None):
    """Run an agent for the time of the block."""
    served = Served(folder, *arguments, environ=environ)
    try:
        yield served
    finally:
        served.close()


def run(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run one command of hookagent in a project."""
    return subprocess.run(
        [sys.executable, "-m", "hookagent", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=2 * PATIENCE_S,
        check=False,
        env={**os.environ, **OURS},
    )


def lines(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    """Return the JSON lines a command wrote."""
    return [json.loads(line) for line in done.stdout.splitlines()]
