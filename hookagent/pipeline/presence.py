"""Where a running agent can be reached: a small file in the state folder.

`replay` and `sign --send` find the listener by it when its port was picked at start. A file whose
process is gone says nothing.
"""

import os
from pathlib import Path

import msgspec

FILE = "agent.json"


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """A running agent."""

    pid: int
    listener: str
    """Its URL, without a slash at the end."""
    passes_on: bool = False
    """It is `forward`: every path is taken, none is a source's."""


def announce(state_folder: Path, listener: str, *, passes_on: bool = False) -> Path:
    """Write the file; return it, for the end."""
    state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state_folder / FILE
    fresh = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
        present = Presence(pid=os.getpid(), listener=listener, passes_on=passes_on)
        file.write(msgspec.json.encode(present))
    fresh.replace(path)
    return path


def running(state_folder: Path) -> Presence | None:
    """Return the agent that runs on this state folder, or None."""
    try:
        found = msgspec.json.decode((state_folder / FILE).read_bytes(), type=Presence)
        os.kill(found.pid, 0)
    except (OSError, msgspec.DecodeError):
        return None
    return found


def listener_url(state_folder: Path, host: str, port: int) -> str:
    """Return the listener's URL: the running agent's, else the configured one."""
    found = running(state_folder)
    if found is not None:
        return found.listener
    reachable = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared
    return f"http://{reachable}:{port}"
