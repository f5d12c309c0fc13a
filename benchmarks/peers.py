"""The servers measured beside hookagent, each as its own users would run it.

`bare` is the yardstick: it reads the body, answers 200 and does nothing else. The others do what
hookagent does before it stores: read the body, verify its HMAC, answer 200. None of them keeps
anything. Flask and Express are installed where the run wants them, once; what is not there and
cannot be had is named with the reason, and the run goes on without it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

INSTALL_S = 120.0
"""No peer is waited for longer than this."""
KEEP = "HOOKAGENT_BENCH_PEERS"
"""Names a folder to install into and find them in again."""
SECRET = "bench-secret-0123456789abcdef"

FLASK = """
import hashlib, hmac, sys
from flask import Flask, request
from waitress import serve
app = Flask(__name__)
@app.post("/<path:path>")
def answer(path):
    made = "sha256=" + hmac.new(SECRET, request.get_data(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made, request.headers.get("X-Bench-Signature", "")):
        return {"error": "forbidden"}, 403
    return {"status": "accepted"}
SECRET = sys.argv[2].encode()
serve(app, host="127.0.0.1", port=int(sys.argv[1]), connection_limit=500)
"""

EXPRESS = """
const crypto = require("crypto");
const express = require("express");
const [port, secret] = process.argv.slice(2);
const app = express();
app.use(express.raw({ type: "*/*", limit: "25mb" }));
app.post(/.*/, (request, response) => {
  const made = "sha256=" + crypto.createHmac("sha256", secret).update(request.body).digest("hex");
  const given = Buffer.from(request.get("X-Bench-Signature") || "");
  if (given.length !== made.length || !crypto.timingSafeEqual(given, Buffer.from(made))) {
    response.status(403).json({ error: "forbidden" });
    return;
  }
  response.json({ status: "accepted" });
});
app.listen(Number(port), "127.0.0.1");
"""


@dataclass(slots=True)
class Peers:
    """Which peers can be started here."""

    folder: Path
    about: dict[str, str] = field(default_factory=dict)
    """What each is, with its version, by name."""
    absent: dict[str, str] = field(default_factory=dict)
    """Why each of the others is not here."""

    def command(self, name: str, port: int, place: Path) -> list[str]:
        """Return how a peer is started; `place` is a new folder of its own."""
        if name == "bare":
            return [sys.executable, "-m", "benchmarks.bare", str(port)]
        if name == "aiohttp":
            return [sys.executable, "-m", "benchmarks.bare", str(port), SECRET]
        if name == "flask":
            return [str(self.folder / "flask/bin/python"), "-c", FLASK, str(port), SECRET]
        if name == "express":
            (place / "app.cjs").write_text(EXPRESS, "utf-8")
            (place / "node_modules").symlink_to(self.folder / "express/node_modules")
            return ["node", "app.cjs", str(port), SECRET]
        (place / "hooks.json").write_text(json.dumps([_HOOK]), "utf-8")
        where = ["-ip", "127.0.0.1", "-port", str(port), "-urlprefix", "hooks"]
        return ["webhook", "-hooks", "hooks.json", *where]


_HOOK = {
    "id": "bench",  # without a command: what it then does is verify and answer
    "trigger-rule": {
        "match": {
            "type": "payload-hmac-sha256",
            "secret": SECRET,
            "parameter": {"source": "header", "name": "X-Bench-Signature"},
        }
    },
}


@contextmanager
def peers(wanted: frozenset[str] | None = None) -> Iterator[Peers]:
    """Install and find the peers, in a folder that is gone afterwards unless it is to be kept."""
    kept = os.environ.get(KEEP)
    with tempfile.TemporaryDirectory(prefix="hookagent-bench-peers-") as made:
        found = Peers(Path(kept or made).resolve())
        for name, find in _FIND.items():
            if wanted is not None and name not in wanted:
                continue
            try:
                found.about[name] = find(found.folder)
            except _Absent as reason:
                found.absent[name] = str(reason)
        yield found


class _Absent(Exception):
    """A peer cannot be had here."""


def _bare(_: Path) -> str:
    import aiohttp

    return f"aiohttp {aiohttp.__version__}, reads the body and answers 200"


def _aiohttp(_: Path) -> str:
    import aiohttp

    return f"aiohttp {aiohttp.__version__}, verifies and answers"


def _flask(folder: Path) -> str:
    python = folder / "flask/bin/python"
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(folder / "flask")])
        _run([str(python), "-m", "pip", "install", "--quiet", "flask", "waitress"])
    ask = "from importlib.metadata import version as v; print(v('flask'), v('waitress'))"
    flask, waitress = _run([str(python), "-c", ask]).split()
    return f"Flask {flask} under waitress {waitress}, verifies and answers"


def _express(folder: Path) -> str:
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise _Absent("Node.js with npm is not installed")
    place = folder / "express"
    package = place / "node_modules/express/package.json"
    if not package.exists():
        options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        _run(["npm", "install", "--prefix", str(place), *options, "express"])
    version = json.loads(package.read_text("utf-8"))["version"]
    node = _run(["node", "--version"]).strip().removeprefix("v")
    return f"Express {version} on Node.js {node}, verifies and answers"


def _webhook(_: Path) -> str:
    if shutil.which("webhook") is None:
        raise _Absent("adnanh/webhook is not installed (Debian: `apt-get install webhook`)")
    version = re.search(r"[0-9.]+", _run(["webhook", "-version"]))
    number = version.group() if version else ""
    return f"adnanh/webhook {number}, verifies, answers, runs no command"


def _run(command: list[str]) -> str:
    """Run a command and return what it printed. Raises _Absent with its last line of trouble."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Absent(str(error)) from error
    if done.returncode:
        trouble = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise _Absent(f"`{Path(command[0]).name}` failed: {' '.join(trouble)[:200]}")
    return done.stdout


_FIND = {
    "bare": _bare,
    "aiohttp": _aiohttp,
    "flask": _flask,
    "express": _express,
    "webhook": _webhook,
}

NAMES = tuple(_FIND)
