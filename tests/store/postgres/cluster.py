"""A real PostgreSQL for the tests: the one that is named, one of our own, or one that listens here.

`HOOKAGENT_TEST_POSTGRES` is a URL of a database in which schemas may be made and dropped.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE_S
from tests.ports import free_port

VARIABLE = "HOOKAGENT_TEST_POSTGRES"
NEEDED = "HOOKAGENT_TEST_NEEDS_POSTGRES"
"""Where this is set, tests fail rather than be skipped."""
USUAL = "postgresql://postgres@127.0.0.1:5432/test"
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "shared_buffers": "'32MB'",
    "max_connections": "100",
}
"""Of a cluster of our own."""
INITDB = ("-U", "postgres", "-A", "trust", "-N", "--locale=C", "-E", "UTF8")


class NoServer(Exception):
    """There is none, and here is why."""


def binaries() -> Path:
    """Return the folder with the newest `initdb`. Raises NoServer."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
    )
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    raise NoServer("no PostgreSQL: neither a server at 127.0.0.1:5432 nor `initdb` is here")


class Cluster:
    """A server of our own in a temporary folder, started and stopped at will."""

    def __init__(
        self,
        folder: Path,
        *,
        is_durable: bool,
        copy_of: "Cluster | None" = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Make a new one, or a standby of one that runs: a copy that follows it."""
        self.folder = folder
        self.port = free_port()
        self._bin = binaries()
        self._as_user = unprivileged()
        if self._as_user is not None:
            os.chown(folder, *self._as_user)
        if copy_of is None:
            self._run("initdb", "-D", "data", *INITDB)
        else:
            self._run("pg_basebackup", "-D", "data", "-R", "-c", "fast", "-d", copy_of.url)
        with (folder / "data" / "postgresql.conf").open("a") as file:
            given = SETTINGS | dict(settings or {})
            file.writelines(f"{name} = {value}\n" for name, value in given.items())
            file.write(f"port = {self.port}\n")
            file.write(f"fsync = {'on' if is_durable else 'off'}\n")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-t", "150", "-l", "log", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop: `fast` ends all sessions, `immediate` is like a crash."""
        self._run("pg_ctl", "-D", "data", "-w", "-t", "150", "-m", mode, "stop")

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run("pg_ctl", "-D", "data", "-w", "-t", "150", "promote")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            user=self._as_user[0] if self._as_user else None,
            group=self._as_user[1] if self._as_user else None,
            extra_groups=[] if self._as_user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=3 * PATIENCE_S,
            check=False,
        )
        if done.returncode:
            raise NoServer(f"{program} failed: {done.stdout.decode(errors='replace').strip()}")


def unprivileged() -> tuple[int, int] | None:
    """Return whom the server runs as where we are root, which it refuses."""
    if os.getuid():
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return user.pw_uid, user.pw_gid
    raise NoServer("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")


@contextmanager
def own_cluster(
    *, is_durable: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Make and start a server of our own. Raises NoServer.

    One that is not durable need not survive the machine, which makes tests quick.
    """
    binaries()
    with tempfile.TemporaryDirectory(prefix="hookagent-pg-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o711)
        cluster = Cluster(folder, is_durable=is_durable, settings=settings)
        cluster.start()
        try:
            yield cluster
        finally:
            with contextlib.suppress(NoServer, subprocess.TimeoutExpired):
                cluster.stop("immediate")


@contextmanager
def any_server() -> Iterator[str]:
    """Find a server or start one, and yield its URL. Raises NoServer."""
    named = os.environ.get(VARIABLE)
    with contextlib.ExitStack() as stack:
        if not named:
            try:
                named = stack.enter_context(own_cluster()).url
            except (NoServer, OSError, subprocess.SubprocessError) as reason:
                if not answers(USUAL):
                    raise NoServer(str(reason)) from reason
                named = USUAL
        yield named


def answers(url: str) -> bool:
    """Tell whether a database can be reached."""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True
