"""Whole: targets and commands that misbehave are bounded, ended and recorded."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.patience import wait_until
from tests.ports import free_port
from tests.whole.served import lines, run, serving, write_project

GIGABYTE = 1024**3
ONCE = "retry = { attempts = 1 }\n"
BAD = {
    "hang": "no answer within", "drip": "no answer within", "redirect": "302", "500": "500",
    "close": "", "gigabyte": "", "nonsense": "", "429": "429",
}  # fmt: skip
COMMANDS = {
    "ignores": "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
    "forks": "import os,time\nfor _ in range(3):\n    if os.fork() == 0: time.sleep(60); os._exit(0)\ntime.sleep(60)",
    "floods": "import sys\nfor _ in range(100): sys.stdout.write('x' * 1024 * 1024)",
    "deaf": "import time; time.sleep(0.2)",
    "fails": "import sys; sys.stderr.write('broken'); sys.exit(3)",
    "nameless": "import os; os.execv('/nowhere', ['x'])",
}


class Target(BaseHTTPRequestHandler):
    """Answers each path in its own bad way."""

    hits: ClassVar[dict[str, int]] = {}
    end = threading.Event()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.strip("/")
        self.hits[name] = self.hits.get(name, 0) + 1
        getattr(self, f"be_{name}", self.be_status)()

    def do_GET(self):
        self.do_POST()

    def be_status(self):
        self.send_response(int(self.path.strip("/")))
        if self.path == "/429" and self.hits["429"] == 1:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def be_hang(self):
        self.end.wait(30)

    def be_drip(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not self.end.wait(0.1):
            self.wfile.write(b"x")

    def be_redirect(self):
        self.send_response(302)
        self.send_header("Location", "/500")
        self.end_headers()

    def be_close(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        self.close_connection = True

    def be_gigabyte(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIGABYTE)
        for _ in range(1024):
            self.wfile.write(bytes(1024 * 1024))

    def be_slow(self):
        if self.hits["slow"] == 1:
            self.end.wait(12)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def be_nonsense(self):
        self.wfile.write(b"\x00\xff\xfe nonsense\r\n\r\n")
        self.close_connection = True

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def target():
    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """Say nothing: a peer that leaves is what this is about."""

    server = Server(("127.0.0.1", 0), Target)
    Target.end.clear()
    Target.hits.clear()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    Target.end.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_targets_that_misbehave_are_bounded_and_recorded(tmp_path, target):
    rules = "".join(
        f'[rule."r-{name}"]\n[[rule."r-{name}".do]]\naction = "http"\n'
        f'timeout = "{"1s" if name in {"hang", "drip"} else "60s"}"\n'
        f'url = "http://127.0.0.1:{target}/{name}"\n{ONCE}'
        for name in BAD
    )
    project = write_project(tmp_path, rules=rules)
    with serving(project) as agent:
        began = time.monotonic()
        event = agent.post({"id": "1"})[1]["id"]
        ended = {name: agent.wait_for("ran", rule=f"r-{name}") for name in BAD}
        took = time.monotonic() - began
        agent.stop()

    assert took < 100, ended
    assert ended["gigabyte"]["state"] == "done", str(ended["gigabyte"]["error"])
    assert {name for name, one in ended.items() if one["state"] == "done"} == {"gigabyte"}
    (found,) = lines(run(project, "inspect", event, "--json"))
    errors = {r["rule"]: r["steps"][0]["attempts"][0] for r in found["runs"]}
    for name, word in BAD.items():
        assert word in (errors[f"r-{name}"]["error"] or ""), (name, errors[f"r-{name}"])
    assert max(errors[f"r-{name}"]["ms"] for name in ("hang", "drip")) < 20_000
    size = len(json.dumps(next(r for r in found["runs"] if r["rule"] == "r-gigabyte")))
    assert size < 8 * 1024 * 1024  # NULs take six characters in JSON


def test_a_target_that_asks_to_wait_is_asked_again_then(tmp_path, target):
    rules = (
        '[rule.waits]\n[[rule.waits.do]]\naction = "http"\n'
        f'url = "http://127.0.0.1:{target}/429"\n'
        'retry = { attempts = 2, first_delay = "10ms", max_delay = "10s" }\n'
    )
    with serving(write_project(tmp_path, rules=rules)) as agent:
        began = time.monotonic()
        agent.post({"id": "1"})
        dead = agent.wait_for("ran", state="dead")
        took = time.monotonic() - began
        agent.stop()

    assert Target.hits.get("429") == 2, dead["error"]
    assert took >= 0.9


def test_commands_that_misbehave_are_ended_by_group_and_recorded(tmp_path):
    mark = f"{tmp_path}-fault-"
    rules = "".join(
        f'[rule.{name}]\n[[rule.{name}.do]]\naction = "exec"\n'
        f'timeout = "{"1s" if name in {"ignores", "forks"} else "60s"}"\n'
        f"command = {json.dumps([sys.executable, '-c', script, mark + name])}\n{ONCE}"
        for name, script in COMMANDS.items()
    )
    project = write_project(tmp_path, rules=rules)
    with serving(project) as agent:
        event = agent.post({"id": "1", "pad": "x" * 900_000})[1]["id"]
        ended = {name: agent.wait_for("ran", rule=name) for name in COMMANDS}
        wait_until(lambda: running(mark) == [])
        agent.stop()

    states = {name: one["state"] for name, one in ended.items()}
    assert states == {
        "ignores": "dead", "forks": "dead", "floods": "done", "deaf": "done", "fails": "dead",
        "nameless": "dead",
    }  # fmt: skip
    (found,) = lines(run(project, "inspect", event, "--json"))
    steps = {r["rule"]: r["steps"][0] for r in found["runs"]}
    assert len(steps["floods"]["output"]["stdout"]) <= 1024 * 1024
    assert "1 s" in steps["ignores"]["attempts"][0]["error"]
    assert steps["ignores"]["attempts"][0]["ms"] < 30_000
    assert "3" in steps["fails"]["attempts"][0]["error"]


def running(mark: str) -> list[str]:
    """Return the command lines of processes that carry a mark."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in line and str(place.parent.name) != "self":
            found.append(line)
    return found


def is_open(project) -> bool:
    """Whether the running agent says that a breaker is open."""
    (stats,) = lines(run(project, "stats", "--json"))
    return any(one["state"] == "open" for one in stats["targets"])


def test_a_target_that_is_down_is_left_alone_for_a_while(tmp_path):
    rules = (
        '[rule.down]\n[[rule.down.do]]\naction = "http"\nurl = "http://127.0.0.1:9/"\n'
        'retry = { attempts = 30, first_delay = "10ms", max_delay = "20ms" }\n'
    )
    project = write_project(tmp_path, rules=rules)
    with serving(project) as agent:
        for number in range(15):
            agent.post({"id": str(number)})
        agent.wait_for("ran", state="waiting")
        wait_until(lambda: is_open(project))
        (stats,) = lines(run(project, "stats", "--json"))
        shown = run(project, "stats").stdout.decode()
        agent.stop()

    (circuit,) = stats["targets"]
    assert circuit["state"] != "closed"  # or it was probed meanwhile
    assert "127.0.0.1:9" in circuit["target"]
    assert "127.0.0.1:9" in shown


@pytest.mark.long
def test_a_target_that_is_back_is_probed_and_used_again(tmp_path):
    """The pause before the first probe is ten seconds."""
    port = free_port()
    rules = (
        f'[rule.back]\n[[rule.back.do]]\naction = "http"\nurl = "http://127.0.0.1:{port}/slow"\n'
        'retry = { attempts = 100, first_delay = "10ms", max_delay = "1s" }\n'
    )
    project = write_project(tmp_path, rules=rules)

    def state() -> str:
        (stats,) = lines(run(project, "stats", "--json"))
        return str(stats["targets"][0]["state"]) if stats["targets"] else "closed"

    Target.hits.clear()
    Target.end.clear()
    with serving(project) as agent:
        for number in range(15):
            agent.post({"id": str(number)})
        agent.wait_for("ran", state="waiting")
        wait_until(lambda: is_open(project))
        server = ThreadingHTTPServer(("127.0.0.1", port), Target)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        wait_until(lambda: state() == "half-open")
        probes = Target.hits.get("slow")
        wait_until(lambda: state() == "closed")
        wait_until(lambda: Target.hits["slow"] == 15, 90)  # they came while it was probed
        server.shutdown()
        server.server_close()
        thread.join()
        agent.stop()

    assert probes == 1
