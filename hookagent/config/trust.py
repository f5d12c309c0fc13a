"""What may be started: programs a person has looked at and allowed (SECURITY C4).

A configuration comes along with any repository that is cloned. What it may start is therefore
remembered outside of it, in the user's own folder, in two ways: for a file, by path and SHA-256 of
its content, so that any change asks again; for a project, by the SHA-256 of each command its rules
start, so that only a new or changed command asks. A project in the user's own configuration folder
needs no saying, and `HOOKAGENT_TRUST=all` in the environment (never in a `.env`) allows everything:
for containers, whose content somebody has decided on already.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from hookagent.config.folders import users_folder

REGISTRY = "trusted.json"
VARIABLE = "HOOKAGENT_TRUST"
EVERYTHING = "all"


class TrustRegistry:
    """The files and commands that were allowed, in one folder of the user."""

    def __init__(self, folder: Path, *, trusts_all: bool = False) -> None:
        self.folder = folder
        self.file = folder / REGISTRY
        self.trusts_all = trusts_all

    def is_trusted(self, file: Path) -> bool:
        """Whether a file is trusted with the content it has now."""
        file = file.resolve()
        if self._is_own(file):
            return True
        known = self._known().get(str(file))
        return isinstance(known, str) and known == fingerprint(file)

    def trust(self, file: Path) -> str:
        """Trust a file as it is now; return its fingerprint. Raises OSError."""
        file = file.resolve()
        print_ = fingerprint(file)
        if print_ is None:
            raise FileNotFoundError(file)
        self._write(self._known() | {str(file): print_})
        return print_

    def forget(self, file: Path) -> bool:
        """Trust a file, or a project's commands, no more; return whether it was. Raises OSError."""
        known = self._known()
        if known.pop(str(file.resolve()), None) is None:
            return False
        self._write(known)
        return True

    def refused(self, project: Path, commands: Iterable[str]) -> list[str]:
        """Return which of the commands were not allowed in this project, in their order."""
        project = project.resolve()
        wanted = list(commands)
        if not wanted or self._is_own(project):
            return []
        known = self._known().get(str(project))
        allowed = frozenset(known) if isinstance(known, list) else frozenset()
        return [command for command in wanted if command_print(command) not in allowed]

    def allow(self, project: Path, commands: Iterable[str]) -> None:
        """Allow a project these commands and no others. Raises OSError."""
        prints = sorted({command_print(command) for command in commands})
        known = self._known()
        if known.get(str(project.resolve()), []) != prints:
            self._write(known | {str(project.resolve()): prints})

    def _is_own(self, place: Path) -> bool:
        return self.trusts_all or place.is_relative_to(self.folder.resolve())

    def _known(self) -> dict[str, object]:
        """Return what is allowed by path; a registry that cannot be read allows nothing."""
        try:
            known = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, object]) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = self.folder / f".{REGISTRY}.{os.getpid()}"
        handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            json.dump(known, opened, indent=2, sort_keys=True)
        own.replace(self.file)


def fingerprint(file: Path) -> str | None:
    """Return the SHA-256 of a file in hex, or None where it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None


def command_print(command: str) -> str:
    """Return what is remembered of a command: its hash, since it may hold a secret."""
    return hashlib.sha256(command.encode("utf-8", "surrogatepass")).hexdigest()


def users_registry(environ: Mapping[str, str] | None = None) -> TrustRegistry:
    """Return the registry in the user's own configuration folder.

    `environ` is the process's own environment where it is left out; a project's `.env` must not be
    among it.
    """
    variables = os.environ if environ is None else environ
    return TrustRegistry(
        users_folder("config"),
        trusts_all=variables.get(VARIABLE) == EVERYTHING,
    )
