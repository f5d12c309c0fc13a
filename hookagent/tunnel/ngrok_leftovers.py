"""Ends agents that outlived their hookagent, and removes the token they left on the disk.

A hookagent that was killed cannot end its agent, and that agent would hold the account's only
address: the next start would be refused with `ERR_NGROK_334`, naming nobody. Only what is surely
ours is ended: a process whose command line names the configuration in our own private folder, and
whose hookagent is gone.
"""

import os
import subprocess
from functools import partial
from pathlib import Path

from hookagent.tunnel.ngrok_home import FOLDER_PREFIX, NgrokHome
from hookagent.tunnel.process_group import end_group

GRACE_SECONDS = 2.0
ASK_SECONDS = 2.0


async def end_leftovers(state_folder: Path) -> list[int]:
    """End what earlier runs left in a state folder; return the process ids that were ended."""
    ended = []
    for home in _homes(state_folder):
        owner = home.owner()
        if owner is None or is_running(owner):
            continue
        pid = home.pid()
        if pid is not None and str(home.config) in command_line(pid):
            await end_group(pid, partial(_has_command, pid), GRACE_SECONDS)
            ended.append(pid)
        home.remove()
    return ended


def is_running(pid: int) -> bool:
    """Say whether a process of that id is there, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _has_command(pid: int) -> bool:
    """Say whether a process runs; one that only waits to be collected has no command line."""
    return bool(command_line(pid))


def _homes(state_folder: Path) -> list[NgrokHome]:
    folders = sorted(state_folder.glob(f"{FOLDER_PREFIX}*"))
    return [NgrokHome(folder=folder, web_port=0) for folder in folders]


def command_line(pid: int) -> str:
    """Return a process's command line; empty where there is none or nobody tells."""
    try:
        if Path("/proc/self").exists():
            told = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        else:
            ask = ["/bin/ps", "-o", "command=", "-p", str(pid)]
            told = subprocess.run(ask, capture_output=True, check=False, timeout=ASK_SECONDS).stdout  # noqa: S603 - a fixed program and a number
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.decode("utf-8", "replace")
