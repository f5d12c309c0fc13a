"""Starts the servers that are measured, each as a process of its own on a core of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import SECRET, Peers

HERE = Path(__file__).resolve().parent
PATH = "/hooks/bench"
START_S = 60.0
SETTLE_S = 8.0
LOOK_S = 1.2
"""Longer than the pause between two looks for bodies to index."""
IDLE_SHARE = 0.05
LOAD_S = 900.0
"""No load lasts longer than this, whatever hangs."""

FOR_EVER = "10000d"

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
        return self._status("VmRSS")

    @property
    def rss_max_mb(self) -> float:
        """The most resident memory so far, in MiB."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        except OSError:
            return 0.0
        line = next((line for line in status.splitlines() if line.startswith(name)), "x: 0")
        return int(line.split()[1]) / 1024

    @property
    def cpu_s(self) -> float:
        """CPU seconds used so far: all threads, user and system."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text("ascii")
        except OSError:
            return 0.0
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settle(running: Running) -> None:
    """Wait until a server has nothing left to do for itself, a few seconds at most."""
    deadline = time.monotonic() + SETTLE_S
    before = running.cpu_s
    while time.monotonic() < deadline:
        time.sleep(LOOK_S)
        used, before = running.cpu_s - before, running.cpu_s
        if used < IDLE_SHARE * LOOK_S:
            return


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
def server(  # noqa: PLR0913 - what a server may be started with
    name: str,
    *,
    rules: str = "",
    extra: str = "",
    retention: str = FOR_EVER,
    folder: Path | None = None,
    found: Peers | None = None,
) -> Iterator[Running]:
    """Run hookagent or one of the peers that were found until the block ends.

    `rules`, `extra` configuration and `retention` are hookagent's; `folder` keeps its store.
    """
    with tempfile.TemporaryDirectory(prefix="hookagent-bench-") as made:
        place = folder or Path(made)
        port = free_port()
        if name == "hookagent":
            command, database = _hookagent(place, port, rules, extra, retention), place / "bench.db"
        else:
            command, database = (found or Peers(place)).command(name, port, place), None
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


def _hookagent(folder: Path, port: int, rules: str, extra: str, retention: str) -> list[str]:
    config = folder / "hookagent.toml"
    made = CONFIG.format(secret=SECRET).replace(FOR_EVER, retention)
    config.write_text(made + extra)
    config.chmod(0o600)
    if rules:
        (folder / "rules").mkdir(exist_ok=True)
        (folder / "rules" / "bench.toml").write_text(rules)
    arguments = ["serve", "--config", str(config), "--port", str(port), "--no-inspector"]
    arguments += ["--output", "quiet"]  # the others keep no access log either
    return [sys.executable, "-m", "hookagent", *arguments]


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
