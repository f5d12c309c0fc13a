"""Two receivers and three workers behind nginx on one host, shown to lose and repeat nothing.

    python docs/scaling/run.py                    # starts a PostgreSQL of its own
    python docs/scaling/run.py --database URL     # uses that one, in a schema of its own
    python docs/scaling/run.py --stay             # goes on until Ctrl-C

Sends signed deliveries through nginx, some of them twice. On the way it kills a receiver and a
worker as the power would. In the end every delivery that was answered 2xx must have been acted on,
and every customer greeted; none of it twice, unless the worker died in the middle of it, as nobody
can know then whether it was done: that try is recorded as interrupted. Exit code 0 if so, 1 if not,
3 where nginx or PostgreSQL is missing.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECRET = secrets.token_urlsafe(24)
ELSEWHERE = "/usr/sbin:/usr/local/sbin"
CUSTOMERS = 7
WAIT_S = 60.0
MISSING = 3


class Missing(Exception):
    """A program is not installed here."""


class Node:
    """One process of hookagent."""

    def __init__(self, folder: Path, name: str, *arguments: str, environ: dict[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        state = {"HOOKAGENT_STATE_FOLDER": str(folder / name)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hookagent", *arguments, "--json", "--no-inspector"],
                cwd=folder,
                env={**os.environ, **environ, **state},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> None:
        """Return when it says so. Raises RuntimeError with its log where it ends instead."""
        deadline = time.monotonic() + WAIT_S
        while '"ready"' not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as the power would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as a person would."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(WAIT_S)
        if self.process.poll() is None:
            self.kill()


def main() -> int:
    """Run the example."""
    options = _options()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hookagent-scaling-")))
        folder.chmod(0o711)
        for name in ("hookagent.toml", "rules"):
            (shutil.copytree if name == "rules" else shutil.copy)(HERE / name, folder / name)
        try:
            nginx = _found("nginx")
            url = options.database or stack.enter_context(_database(folder))
        except Missing as missing:
            print(missing, file=sys.stderr)
            return MISSING
        schema = f"schema=scaling_{secrets.token_hex(4)}"
        environ = {
            "DATABASE_URL": f"{url}{'&' if '?' in url else '?'}{schema}",
            "SHOP_SECRET": SECRET,
        }
        return _example(stack, folder, nginx, environ, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--database", metavar="URL", help="a PostgreSQL; one of its own if left out"
    )
    parser.add_argument("--events", type=int, default=400, help="how many deliveries (400)")
    parser.add_argument("--stay", action="store_true", help="go on until Ctrl-C")
    return parser.parse_args()


def _example(
    stack: contextlib.ExitStack,
    folder: Path,
    nginx: str,
    environ: dict[str, str],
    options: argparse.Namespace,
) -> int:
    ports = [_free_port(), _free_port()]
    receivers = [_receiver(folder, n, port, environ) for n, port in enumerate(ports, 1)]
    workers = [Node(folder, f"work-{n}", "work", environ=environ) for n in (1, 2, 3)]
    nodes = [*receivers, *workers]
    for node in nodes:
        stack.callback(node.stop)
    for node in nodes:
        node.wait_until_ready()
    port = stack.enter_context(_nginx(folder, nginx, ports))
    print(f"two receivers and three workers behind http://127.0.0.1:{port}/hooks/shop")
    print(_cli(folder, environ, "nodes"))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(_deliver, port, n) for n in _numbers(options.events)]
        _when(sending, 1 / 3)
        print("killed: receive-1")
        receivers[0].kill()
        _when(sending, 2 / 3)
        print("killed: work-1")
        workers[0].kill()
        answers = [one.result() for one in sending]
    accepted = {number for number, status in answers if status == http.client.OK}
    print(f"{len(answers)} deliveries, {len(accepted)} different ones answered 2xx")
    is_good = _settle(folder, environ, accepted)
    print(_cli(folder, environ, "nodes"), _cli(folder, environ, "stats"), sep="\n")
    if options.stay:
        print(f"stays: curl and look; the secret is {SECRET}; Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0 if is_good else 1


def _receiver(folder: Path, n: int, port: int, environ: dict[str, str]) -> Node:
    arguments = ("serve", "--role", "receive", "--port", str(port))
    return Node(folder, f"receive-{n}", *arguments, environ=environ)


def _numbers(events: int) -> Iterator[int]:
    """Yield the deliveries' numbers; every tenth comes twice, as with providers."""
    for n in range(events):
        yield n
        if n % 10 == 0:
            yield n


def _deliver(port: int, n: int) -> tuple[int, int]:
    """Send one signed delivery as a provider would: again, while the answer is no 2xx."""
    order = {"id": f"order-{n}", "type": "order.created", "customer": f"c{n % CUSTOMERS}"}
    body = json.dumps(order).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Shop-Signature": f"sha256={signature}"}
    status = 0
    for attempt in range(8):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request("POST", "/hooks/shop", body, headers)
            status = connection.getresponse().status
        except OSError:
            status = 0
        finally:
            connection.close()
        if status == http.client.OK:
            break
        time.sleep(0.1 * 2**attempt)
    return n, status


def _when(sending: list["concurrent.futures.Future[tuple[int, int]]"], part: float) -> None:
    """Return when that part of the deliveries was answered."""
    while sum(one.done() for one in sending) < part * len(sending):
        time.sleep(0.01)


def _settle(folder: Path, environ: dict[str, str], accepted: set[int]) -> bool:
    """Wait until everything was acted on, then say whether it was, and once."""
    wanted = {
        "orders": {f"order-{n}" for n in accepted},
        "greeted": {f"c{n % CUSTOMERS}" for n in accepted},
    }
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if all(names <= _names(folder, kind) for kind, names in wanted.items()):
            break
        time.sleep(0.1)
    time.sleep(2)  # for what should not come
    is_good = True
    for kind, names in wanted.items():
        lines = _lines(folder, kind)
        counts = Counter(line["name"] for line in lines)
        again = {line["event"] for line in lines if counts[line["name"]] > 1}
        wrong = [event for event in again if not _was_interrupted(folder, environ, event)]
        missing = names - counts.keys()
        print(
            f"{kind}: {len(counts)} of {len(names)}, missing {len(missing)}, twice after an"
            f" interruption {len(again) - len(wrong)}, twice without {len(wrong)}"
        )
        is_good = is_good and not missing and not wrong
    return is_good


def _names(folder: Path, kind: str) -> set[str]:
    return {line["name"] for line in _lines(folder, kind)}


def _lines(folder: Path, kind: str) -> list[dict[str, str]]:
    file = folder / f"{kind}.jsonl"
    if not file.exists():
        return []
    lines = file.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _was_interrupted(folder: Path, environ: dict[str, str], event: str) -> bool:
    """Tell whether a worker died while it was acting on an event."""
    shown = json.loads(_cli(folder, environ, "inspect", event, "--json"))
    return any(
        attempt["outcome"] == "interrupted"
        for run in shown["runs"]
        for step in run["steps"]
        for attempt in step["attempts"]
    )


def _cli(folder: Path, environ: dict[str, str], *arguments: str) -> str:
    """Run a command of hookagent and return what it printed."""
    state = {"HOOKAGENT_STATE_FOLDER": str(folder / "tools")}
    done = subprocess.run(
        [sys.executable, "-m", "hookagent", *arguments],
        cwd=folder,
        env={**os.environ, **environ, **state},
        stdout=subprocess.PIPE,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    return done.stdout


@contextlib.contextmanager
def _nginx(folder: Path, program: str, ports: list[int]) -> Iterator[int]:
    """Run nginx with nginx.conf, its addresses and its temporary folders replaced."""
    port = _free_port()
    text = (HERE / "nginx.conf").read_text()
    for n, receiver in enumerate(ports, 1):
        text = text.replace(f"receive-{n}:8787", f"127.0.0.1:{receiver}")
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    places = "".join(
        f"    {kind}_temp_path {folder}/nginx-{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    head = f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/nginx.log;\n"
    config = folder / "nginx.conf"
    config.write_text(head + text.replace("http {\n", "http {\n" + places, 1))
    errors = str(folder / "nginx.log")
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(config), "-e", errors], stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process, errors)
        yield port
    finally:
        process.terminate()
        process.wait(WAIT_S)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start:\n{Path(log).read_text()}") from None
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def _database(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL in the folder; durable, as it should be anywhere."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(programs[-1]) if programs else _found("initdb")
    control = str(Path(initdb).with_name("pg_ctl"))
    data = folder / "database"
    data.mkdir()
    user = None
    if os.geteuid() == 0:  # which PostgreSQL refuses
        user = "postgres" if _is_user("postgres") else "nobody"
        shutil.chown(data, user)
    port = _free_port()

    def run(*command: str) -> None:
        subprocess.run(command, cwd=data, user=user, stdout=subprocess.DEVNULL, check=True)

    place = str(data / "pg")
    run(initdb, "-D", place, "-U", "postgres", "-A", "trust")
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    run(control, "-D", place, "-w", "-l", str(data / "log"), "-o", settings, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(control, "-D", place, "-w", "-m", "fast", "stop")


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _found(program: str) -> str:
    path = shutil.which(program) or shutil.which(program, path=ELSEWHERE)
    if path is None:
        raise Missing(f"`{program}` is not installed here")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
