"""An ngrok agent without ngrok: the log lines, the local API and the failures of the real one.

Run as a program. `FAKE_NGROK` names the scenario, `FAKE_NGROK_URL` the public URL it claims, and
`FAKE_NGROK_RECORD` a file that gets its arguments, environment, process ids and requests as JSON.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SCENARIO = os.environ.get("FAKE_NGROK", "ok")
PUBLIC = os.environ.get("FAKE_NGROK_URL", "https://fake.ngrok-free.dev")
RECORD = os.environ.get("FAKE_NGROK_RECORD", "")
record: dict[str, Any] = {
    "argv": sys.argv,
    "environ": dict(os.environ),
    "pid": os.getpid(),
    "posts": [],
}
opened = threading.Event()


def note() -> None:
    if RECORD:
        fresh = Path(f"{RECORD}.fresh")
        fresh.write_text(json.dumps(record))
        fresh.replace(RECORD)  # whole, whenever it is read


def log(level: str, message: str, **fields: str) -> None:
    parts = [f"t=2026-01-31T12:00:00+0000 lvl={level} msg={json.dumps(message)}"]
    parts += [f"{key}={json.dumps(value)}" for key, value in fields.items()]
    print(" ".join(parts), flush=True)


class Api(BaseHTTPRequestHandler):
    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == "/api/endpoints" and SCENARIO == "old":
            self.answer(404, {"error": "not found"})
        elif self.path in ("/api/endpoints", "/api/tunnels"):
            self.answer(200, {"endpoints": [], "uri": self.path})
        else:
            self.answer(404, {})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        record["posts"].append(asked)
        note()
        if SCENARIO == "inuse":
            err = (
                "failed to start endpoint: The endpoint 'https://fake.ngrok-free.dev' is already "
                "online.\n\nERR_NGROK_334\n"
            )
            details = {"err": err}
            self.answer(
                502,
                {"error_code": 103, "status_code": 502, "msg": "failed", "details": details},
            )
            return
        url = asked.get("url") or PUBLIC
        if url == "upstream":  # a tunnel that really leads to the listener
            url = asked["upstream"]["url"]
        self.answer(201, {"name": asked["name"], "url": url, "upstream": asked["upstream"]})
        log("info", "started endpoint", obj="endpoints", name=asked["name"], url=url)
        opened.set()

    def log_message(self, *_: object) -> None:
        pass


def serve_api(config: str) -> None:
    found = re.search(r"web_addr: '?127\.0\.0\.1:(\d+)", config)
    assert found, config
    address = ("127.0.0.1", int(found[1]))
    server = ThreadingHTTPServer(address, Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log("info", "starting web service", obj="web", addr=f"127.0.0.1:{found[1]}")


def establish() -> None:
    log("info", "tunnel session started", obj="tunnels.session")
    log("info", "client session established", obj="csess", id="431cd9d9a3b1")


def for_ever() -> None:
    while True:
        time.sleep(3600)


def refuse(code: int, text: str) -> None:
    err = f"authentication failed: {text}\r\n\r\nERR_NGROK_{code}\r\n"
    log("eror", "session closing", obj="tunnels.session", err=err)
    log("eror", "terminating with error", obj="app", err=err)
    for line in err.splitlines():
        print(f"ERROR:  {line}", file=sys.stderr, flush=True)
    sys.exit(1)


def no_network() -> None:
    while True:
        log(
            "eror",
            "failed to reconnect session",
            obj="tunnels.session",
            err="failed to dial ngrok server: lookup connect.ngrok-agent.com: no such host",
        )
        time.sleep(0.1)


def when_told() -> None:
    """Wait for the test: its tunnel is up."""
    opened.wait()
    while not Path(f"{RECORD}.go").exists():
        time.sleep(0.01)


def drop() -> None:
    when_told()
    log(
        "eror",
        "session closed, starting reconnect loop",
        obj="csess",
        err="read EOF from remote peer",
    )
    log("eror", "failed to reconnect session", obj="csess", err="dial tcp: i/o timeout")
    time.sleep(0.1)
    log("info", "client session established", obj="csess", id="9d1b0c")


def fail_early(token: str) -> None:
    if SCENARIO == "silent":
        for_ever()
    if SCENARIO == "oldconfig":
        print("ERROR:  Error reading configuration file: unsupported version '3'", flush=True)
        sys.exit(1)
    if SCENARIO == "badtoken":
        refuse(105, f"The authtoken you specified is invalid.\r\nYour authtoken: {token}")
    if SCENARIO == "sessions":
        refuse(108, "Your account is limited to 3 simultaneous ngrok agent sessions.")


def main() -> None:
    if sys.argv[1] == "version":
        print(f"ngrok version {os.environ.get('FAKE_NGROK_VERSION', '3.39.8')}")
        return
    config = Path(sys.argv[sys.argv.index("--config") + 1]).read_text()
    record["config_mode"] = oct(
        Path(sys.argv[sys.argv.index("--config") + 1]).stat().st_mode & 0o777
    )
    token = re.search(r"authtoken: (\S+)", config)
    if SCENARIO == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        record["child"] = subprocess.Popen(["sleep", "3600"]).pid
    note()
    fail_early(token[1] if token else "")
    serve_api(config)
    if SCENARIO == "nonet":
        no_network()
    if SCENARIO == "stderr":
        print("\x1b[31mpanic: a line nobody asked for", file=sys.stderr, flush=True)
    establish()
    if SCENARIO == "drop":
        drop()
    if SCENARIO == "die":
        when_told()
        sys.exit(3)
    for_ever()


if __name__ == "__main__":
    main()
