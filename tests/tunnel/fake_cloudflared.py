"""A cloudflared without Cloudflare: its log, its metrics interface and its failures.

`FAKE_CLOUDFLARED` names the scenario, `FAKE_CLOUDFLARED_RECORD` a file for what it was given.
"""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SCENARIO = os.environ.get("FAKE_CLOUDFLARED", "ok")
HOST = "quiet-lion-sings.trycloudflare.com"
connections = {"ready": 1}
refused = threading.Semaphore(0)


def log(level: str, message: str) -> None:
    print(f"2026-01-31T12:00:00Z {level} {message}", file=sys.stderr, flush=True)


class Metrics(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = connections["ready"]
        if self.path == "/ready":
            self.answer(200 if ready else 503, {"status": 200, "readyConnections": ready})
            if not ready:
                refused.release()
        elif self.path == "/quicktunnel":
            self.answer(200, {"hostname": "" if SCENARIO == "nohost" else HOST})
        else:
            self.answer(404, {})

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def refuse(shown: str, status: str) -> None:
    error = "invalid character 'e' looking for beginning of value"
    log(
        "ERR",
        f'Error unmarshaling QuickTunnel response: {shown} error="{error}" status_code="{status}"',
    )
    print(f"failed to unmarshal quick Tunnel: {error}", file=sys.stderr, flush=True)
    sys.exit(1)


def fail_early() -> None:
    if SCENARIO == "limited":
        refuse("error code: 1015", "429 Too Many Requests")
    if SCENARIO == "broken":
        refuse("error code: 1101", "500 Internal Server Error")
    if SCENARIO == "nonet":
        print(
            'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial '
            "tcp: lookup api.trycloudflare.com: no such host",
            file=sys.stderr,
            flush=True,
        )
        sys.exit(1)


def when_told() -> None:
    """Wait for the test: its tunnel is up."""
    while not Path(f"{os.environ['FAKE_CLOUDFLARED_RECORD']}.go").exists():
        time.sleep(0.01)


def main() -> None:
    record: dict[str, Any] = {"argv": sys.argv, "environ": dict(os.environ), "pid": os.getpid()}
    Path(os.environ["FAKE_CLOUDFLARED_RECORD"]).write_text(json.dumps(record))
    log("INF", "Requesting new quick Tunnel on trycloudflare.com...")
    fail_early()
    log("INF", "|  Your quick Tunnel has been created! Visit it at:  |")
    log("INF", f"|  https://{HOST}  |")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log("INF", f"Starting metrics server on 127.0.0.1:{server.server_port}/metrics")
    log("WRN", "Your version is outdated")
    if SCENARIO == "drop":
        when_told()
        connections["ready"] = 0
        for _ in range(3):
            refused.acquire()
        connections["ready"] = 1
    if SCENARIO == "die":
        when_told()
        log("ERR", 'Initiating shutdown error="the edge said no"')
        sys.exit(1)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
