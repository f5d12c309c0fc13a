"""Whole: T13, real commands on a real terminal (a pty), with every naughty string there is."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.workbench import harmful
from tests.patience import PATIENCE_S, wait_until
from tests.security.raw import talk
from tests.security.suites import CANARY, naughty
from tests.whole.served import OURS, Served, lines, run, serving, signature, write_project

RULES = """
[rule.note]
[[rule.note.do]]
action = "log"
text = "{{ note }} {{ @type }} {{ @headers.x-note }}"
[rule.fails]
[[rule.fails.do]]
action = "exec"
command = ["false", "--", "{{ note }}"]
retry = { attempts = 1 }
"""
OUR_OWN = re.compile(r"\x1b\[[0-9;]*m|\r\x1b\[K|\x1b\[\?25[lh]|\r(?=\n)")
"""Colours, the line of progress, the cursor while it is drawn, a terminal's line end."""


class Screen:
    """A command on a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        environ = {**os.environ, **OURS, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
        environ.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hookagent", *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environ, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Take in what is shown, so that the command is not held up by a full terminal."""
        while True:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            self.shown += data

    def until(self, word: bytes) -> None:
        wait_until(lambda: word in self.shown or not self._reader.is_alive())
        assert word in self.shown, self.shown[-500:]

    def end(self) -> str:
        """Return all that was shown."""
        self.process.wait(2 * PATIENCE_S)
        self._reader.join(PATIENCE_S)
        os.close(self._master)
        return self.shown.decode("utf-8", "replace")


def steering(shown: str) -> list[str]:
    """Return what could steer a terminal and is not of our own making."""
    return [CANARY] * shown.count(CANARY) + harmful(OUR_OWN.sub("", shown))


def payloads() -> list[bytes]:
    strings = naughty()
    each = [
        {"id": str(n), "type": one[:200], "note": one, one: one} for n, one in enumerate(strings)
    ]
    return [json.dumps(one).encode() for one in [*each, {"id": "all", "note": strings}]]


def send(agent: Served, body: bytes) -> int:
    headers = {"X-Shop-Signature": signature(body), "X-Note": "a\x9b2J\xff"}
    return agent.request("POST", "/hooks/shop", body, headers)[0]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Give a project whose store holds an event for every string, its runs, and refusals."""
    folder = write_project(
        tmp_path_factory.mktemp("terminal"), rules=RULES, server="failures_per_minute = 1_000_000"
    )
    with serving(folder) as agent:
        made = payloads()
        assert {send(agent, body) for body in made} == {200}
        for body in made[:40]:
            agent.request("POST", "/hooks/shop", body, {"X-Shop-Signature": "sha256=\x9b2J"})
        agent.wait_for("ran", rule="fails", state="dead", id=newest(folder)["id"])
        agent.stop()
    return folder


def newest(folder: Path) -> dict[str, str]:
    (found,) = lines(run(folder, "inspect", "--json", "--limit", "1"))
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "--limit", "1000"), ("inspect", "LAST"), ("inspect", "LAST", "--export", "curl"),
        ("inspect", "LAST", "--export", "json"), ("inspect", "--rejected"), ("inspect", "--json"),
        ("dead",), ("stats",), ("shapes",), ("rules", "explain", "LAST"), ("rules", "test", "LAST"),
        ("verify", "LAST"), ("replay", "LAST", "--dry-run"), ("export",), ("doctor",),
    ],
)  # fmt: skip
def test_t13_no_command_steers_a_terminal(project, arguments):
    last = newest(project)["id"]

    shown = Screen(project, *(last if one == "LAST" else one for one in arguments)).end()

    assert shown
    assert steering(shown) == []
    assert "Traceback" not in shown


def test_t13_the_running_agent_does_not_steer_its_terminal(tmp_path):
    folder = write_project(tmp_path, rules=RULES, server="failures_per_minute = 1_000_000")
    screen = Screen(folder, "serve", "--no-inspector")
    screen.until(b"127.0.0.1:")
    found = re.search(rb"127\.0\.0\.1:(\d+)", screen.shown)
    assert found is not None
    agent = Served.__new__(Served)  # only its way to send is used
    agent.port = int(found[1])
    for body in payloads():
        assert send(agent, body) == 200
    for path in (b"/\x1b[2J", b"/%1b[2J", b"/\xc2\x9b2J", b"/\xff", b"/\x1b]0;t\x07?a=\x1b[2J"):
        talk(agent.port, b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
    agent.request("POST", "/hooks/shop", b"{}", {"X-Shop-Signature": "sha256=\x9b2J"})
    os.killpg(screen.process.pid, signal.SIGINT)

    shown = screen.end()

    assert "touch pwned" in shown
    assert steering(shown) == []
    assert "Traceback" not in shown
    assert not list(folder.glob("**/pwned"))
