"""Starts the servers that are measured, each as a process of its own on a core of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SECRET = "bench-secret-0123456789abcdef"
PATH = "/hooks/bench"
START_S = 15.0
LOAD_S = 900.0
"""No load lasts longer than this, whatever hangs."""

CONFIG = """
[server]
port = 0

[inspector]
port = 0

[store]
url = "sqlite:///bench.db"
retention = "10000d"

[log]
level = "warning"

[sources.bench]
path = "/hooks/bench"
secret = "{secret}"
dedup = "id"
type = "type"

[sources.bench.scheme]
algorithm = "hmac-sha256"
header = "X-Bench-Signature"
prefix = "sha256="
encoding = "hex"
signed = "{{body}}"
"""

FLASK = """
import logging
from flask import Flask, request
logging.getLogger("werkzeug").disabled = True
app = Flask(__name__)
@app.post("/<path:path>")
def answer(path):
    request.get_json()
    return {{"status": "accepted"}}
app.run("127.0.0.1", {port})
"""

EXPRESS = """
const express = require("express");
const app = express();
app.use(express.json({{ limit: "25mb" }}));
app.post(/.*/, (request, response) => response.json({{ status: "accepted" }}));
app.listen({port}, "127.0.0.1");
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    database: Path | None = None

    @property
    def rss_mb(self) -> float:
        """Resident memory in MiB, where the system says it."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        except OSError:
            return 0.0
        line = next((line for line in status.splitlines() if line.startswith("VmRSS")), "VmRSS: 0")
        return int(line.split()[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process has used so far, all threads, user and system."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def cores() -> tuple[set[int], set[int]]:
    """Return the cores for the server and for the load; the same where there is only one.

    With `HOOKAGENT_BENCH_FREE` set, everybody may use every core.
    """
    have = sorted(os.sched_getaffinity(0))
    if os.environ.get("HOOKAGENT_BENCH_FREE"):
        return (set(have), set(have))
    return ({have[0]}, {have[-1]})


def pinned(core: set[int]) -> Callable[[], None]:
    """Return what a child runs first: stay on this core."""
    return lambda: os.sched_setaffinity(0, core)


@contextmanager
def server(
    name: str, *, rules: str = "", extra: str = "", folder: Path | None = None
) -> Iterator[Running]:
    """Run one server until the block ends."""
    with tempfile.TemporaryDirectory(prefix="hookagent-bench-") as made:
        place = folder or Path(made)
        port, command, database = _command(name, place, rules, extra)
        log = (place / "log").open("wb")
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=place,
            preexec_fn=pinned(cores()[0]),  # noqa: PLW1509 - no threads yet
        )
        try:
            _wait_for(port, process, place)
            yield Running(port, process, place, database)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()


def _command(name: str, folder: Path, rules: str, extra: str) -> tuple[int, list[str], Path | None]:
    port = free_port()
    if name == "bare":
        return port, [sys.executable, "-m", "benchmarks.bare", str(port)], None
    if name == "flask":
        return port, [sys.executable, "-c", FLASK.format(port=port)], None
    if name == "express":
        (folder / "app.cjs").write_text(EXPRESS.format(port=port))
        modules = os.environ["HOOKAGENT_BENCH_EXPRESS"]
        (folder / "node_modules").symlink_to(modules)
        return port, ["node", "app.cjs"], None
    if name == "webhook":
        hooks = [
            {
                "id": "bench",
                "execute-command": "/bin/true",
                "trigger-rule": {
                    "match": {
                        "type": "payload-hmac-sha256",
                        "secret": SECRET,
                        "parameter": {"source": "header", "name": "X-Bench-Signature"},
                    }
                },
            }
        ]
        (folder / "hooks.json").write_text(json.dumps(hooks))
        where = ["-ip", "127.0.0.1", "-port", str(port), "-urlprefix", "hooks"]
        return port, ["webhook", "-hooks", "hooks.json", *where], None
    config = folder / "hookagent.toml"
    config.write_text(CONFIG.format(secret=SECRET) + extra)
    config.chmod(0o600)
    if rules:
        (folder / "rules").mkdir(exist_ok=True)
        (folder / "rules" / "bench.toml").write_text(rules)
    arguments = ["serve", "--config", str(config), "--port", str(port), "--no-inspector"]
    arguments += ["--output", "quiet"]  # the others keep no access log either
    return port, [sys.executable, "-m", "hookagent", *arguments], folder / "bench.db"


def _wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"a server did not start:\n{(folder / 'log').read_text()}")


def available() -> list[str]:
    """Return the peers that are installed here."""
    peers = ["bare"]
    if find_spec("flask") is not None:
        peers.append("flask")
    if os.environ.get("HOOKAGENT_BENCH_EXPRESS") and shutil.which("node"):
        peers.append("express")
    if shutil.which("webhook"):
        peers.append("webhook")
    return peers


def load(port: int, **options: object) -> dict[str, Any]:
    """Run the load generator against a port and return what it measured."""
    arguments = [sys.executable, "-m", "benchmarks.load", "--port", str(port)]
    arguments += ["--secret", SECRET, "--path", PATH]
    for name, value in options.items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(
        arguments,
        check=True,
        capture_output=True,
        timeout=LOAD_S,
        cwd=HERE.parent,
        preexec_fn=pinned(cores()[1]),
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured
