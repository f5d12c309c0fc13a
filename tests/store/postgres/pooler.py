"""A PgBouncer of our own before a server, where that program is on the machine.

Its settings: https://www.pgbouncer.org/config.html
"""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.patience import wait_until
from tests.ports import free_port
from tests.store.postgres.cluster import NoServer, answers, unprivileged

CONFIG = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
max_client_conn = 100
default_pool_size = {size}
"""


@contextmanager
def pooled(server: str, mode: str, *, size: int = 30) -> Iterator[str]:
    """Start one that pools sessions, transactions or statements; yields its URL. Raises NoServer."""
    program = shutil.which("pgbouncer")
    if program is None:
        raise NoServer("no `pgbouncer` is here")
    parts = urlsplit(server)
    user = parts.username or "postgres"
    listen_port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="hookagent-pooler-") as made,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(made)
        folder.chmod(0o711)
        (folder / "users").write_text(f'"{user}" ""\n')
        (folder / "ini").write_text(
            CONFIG.format(
                host=parts.hostname,
                port=parts.port or 5432,
                listen_port=listen_port,
                folder=folder,
                mode=mode,
                size=size,
            )
        )
        who = unprivileged()
        process = stack.enter_context(
            subprocess.Popen(
                [program, "-q", str(folder / "ini")],
                user=who[0] if who else None,
                group=who[1] if who else None,
                extra_groups=[] if who else None,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        stack.callback(process.terminate)
        url = f"postgresql://{user}@127.0.0.1:{listen_port}{parts.path}"
        wait_until(lambda: answers(url) or process.poll() is not None)
        assert process.poll() is None
        yield url
