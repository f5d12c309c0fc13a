"""The private folder of one ngrok agent: its configuration, its launcher, its process id.

Mode 0700, files 0600. The token is in the configuration and nowhere else: not on the command line,
where every user of the machine sees it, and not in the agent's environment. The launcher is a
three-line shell script that stands in for the agent, because pyngrok lets the agent inherit our
standard error and our environment, and gives no way to learn the process id while it hangs.
"""

import os
import shlex
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_PROGRAM = 0o700
FOLDER_PREFIX = "ngrok-"

LAUNCHER = """\
#!/bin/sh
unset NGROK_AUTHTOKEN NGROK_API_KEY
echo "$$" > {pid_file}
exec {binary} "$@" 2>&1 < /dev/null
"""
"""Standard error joins the log, which we read; `exec` keeps the process id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NgrokHome:
    """Where one agent's files are."""

    folder: Path
    web_port: int
    """The loopback port of the agent's own API."""

    @property
    def config(self) -> Path:
        return self.folder / "ngrok.yml"

    @property
    def launcher(self) -> Path:
        return self.folder / "ngrok"

    @property
    def pid_file(self) -> Path:
        return self.folder / "pid"

    @property
    def owner_file(self) -> Path:
        return self.folder / "owner"

    def pid(self) -> int | None:
        """Return the agent's process id, which is its group's too; None before it started."""
        return _number_in(self.pid_file)

    def owner(self) -> int | None:
        """Return the process id of the hookagent that started it."""
        return _number_in(self.owner_file)

    def remove(self) -> None:
        """Remove the folder with the token in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def prepare(binary: Path, token: str, state_folder: Path | None) -> NgrokHome:
    """Write the private files of a new agent. Raises OSError where the folder cannot be written."""
    if state_folder is not None:
        state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=state_folder))
    home = NgrokHome(folder=folder, web_port=free_port())
    _write(home.owner_file, str(os.getpid()), PRIVATE_FILE)
    _write(home.config, config_text(token, home.web_port), PRIVATE_FILE)
    launcher = LAUNCHER.format(pid_file=_quoted(home.pid_file), binary=_quoted(binary))
    _write(home.launcher, launcher, PRIVATE_PROGRAM)
    return home


def config_text(token: str, web_port: int) -> str:
    """Return the agent's configuration, version 3 (https://ngrok.com/docs/agent/config/v3).

    The agent's inspector has no password, so it keeps no requests and gets a port nobody can
    guess; it cannot be switched off, pyngrok works through it.
    """
    import yaml

    agent = {
        "authtoken": token,
        "web_addr": f"127.0.0.1:{web_port}",
        "inspect_db_size": -1,
        "log_level": "info",
        "log_format": "logfmt",
        "update_check": False,
        "remote_management": False,
    }
    return str(yaml.safe_dump({"version": 3, "agent": agent}, sort_keys=False))


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _number_in(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _write(path: Path, text: str, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
