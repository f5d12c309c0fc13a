"""A network namespace with one wire to this machine, where that is allowed: Linux, as root."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.patience import PATIENCE_S


class NotAllowed(Exception):
    """No namespace can be made here."""


class Wire:
    """The wire between the namespace and us."""

    def __init__(self) -> None:
        tag = secrets.token_hex(3)
        third, fourth = secrets.randbelow(250) + 2, 4 * secrets.randbelow(60)
        self.name = f"hook-{tag}"
        self.here = f"198.18.{third}.{fourth + 1}"
        """Our end's address: of the range for tests between networks (RFC 2544)."""
        self.there = f"198.18.{third}.{fourth + 2}"
        self._ours, self._theirs = f"hk{tag}a", f"hk{tag}b"
        self.launcher = ("ip", "netns", "exec", self.name)

    def lay(self) -> None:
        """Make the namespace and the wire. Raises NotAllowed."""
        _ip("netns", "add", self.name)
        _ip("link", "add", self._ours, "type", "veth", "peer", "name", self._theirs)
        _ip("link", "set", self._theirs, "netns", self.name)
        _ip("addr", "add", f"{self.here}/30", "dev", self._ours)
        _ip("link", "set", self._ours, "up")
        _ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", self._theirs)
        _ip("-n", self.name, "link", "set", self._theirs, "up")
        _ip("-n", self.name, "link", "set", "lo", "up")

    def cut(self) -> None:
        """Unplug it."""
        _ip("link", "set", self._ours, "down")

    def mend(self) -> None:
        """Plug it in again."""
        _ip("link", "set", self._ours, "up")

    def remove(self) -> None:
        """Take both away; what runs in the namespace must have ended."""
        for arguments in (("link", "del", self._ours), ("netns", "del", self.name)):
            subprocess.run(["ip", *arguments], capture_output=True, check=False, timeout=PATIENCE_S)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, check=False, timeout=PATIENCE_S)
    if done.returncode:
        raise NotAllowed(done.stderr.decode(errors="replace").strip())


@contextmanager
def wired() -> Iterator[Wire]:
    """Give a namespace for the time of the block. Raises NotAllowed."""
    if os.getuid() or shutil.which("ip") is None:
        raise NotAllowed("network namespaces need root and the program `ip`")
    wire = Wire()
    try:
        wire.lay()
        yield wire
    finally:
        wire.remove()
