"""Which files may run programs: those a person has looked at and said so (SECURITY C4).

A configuration comes along with any repository that is cloned. What it may start is therefore
remembered outside of it: by path and by the SHA-256 of the content, so that a change asks again.
Files in the user's own configuration folder need no saying.
"""

import hashlib
import json
import os
from pathlib import Path

REGISTRY = "trusted.json"


class TrustRegistry:
    """The files that were trusted, in one folder of the user."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / REGISTRY

    def is_trusted(self, file: Path) -> bool:
        """Whether a file is trusted with the content it has now."""
        file = file.resolve()
        if file.is_relative_to(self.folder.resolve()):
            return True
        known = self._known().get(str(file))
        return known is not None and known == fingerprint(file)

    def trust(self, file: Path) -> str:
        """Trust a file as it is now; return its fingerprint. Raises OSError."""
        file = file.resolve()
        print_ = fingerprint(file)
        if print_ is None:
            raise FileNotFoundError(file)
        self._write(self._known() | {str(file): print_})
        return print_

    def forget(self, file: Path) -> bool:
        """Trust a file no more; return whether it was trusted. Raises OSError."""
        known = self._known()
        if known.pop(str(file.resolve()), None) is None:
            return False
        self._write(known)
        return True

    def _known(self) -> dict[str, str]:
        """Return path to fingerprint; a registry that cannot be read trusts nothing."""
        try:
            known = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
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


def users_registry() -> TrustRegistry:
    """Return the registry in the user's own configuration folder."""
    import platformdirs

    return TrustRegistry(platformdirs.user_config_path("hookagent"))
