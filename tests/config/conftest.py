"""A project in a folder of its own, read with an environment of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hookagent.config.load import load
from hookagent.config.model import Config
from hookagent.config.trust import TrustRegistry
from hookagent.errors import ConfigError, Problem

SECRET = "an-honest-secret-of-32-characters"


def source(*lines: str, name: str = "a", path: str = "/a", secret: str = SECRET) -> str:
    """Return the text of one source, its first three lines given."""
    head = [f"[sources.{name}]", f'path = "{path}"', f'secret = "{secret}"']
    return "\n".join([*head, *lines])


class Project:
    """A folder with a configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = TrustRegistry(folder / "user")

    def write(self, text: str, name: str = "hookagent.toml", mode: int = 0o600) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def load(self, text: str | None = None, environ=None, mode: int = 0o600, **given) -> Config:
        if text is not None:
            self.write(text, mode=mode)
        return load(
            None,
            environ=environ or {},
            cwd=self.folder,
            registry=self.registry,
            **given,
        )

    def problems(self, text: str, environ=None, mode: int = 0o600, **given) -> list[Problem]:
        """Return what is wrong, warnings included, in the order of the file."""
        try:
            found = self.load(text, environ, mode, **given).warnings
        except ConfigError as error:
            found = error.problems
        return sorted(found, key=lambda one: (one.line or 0, one.column or 0))

    def says(self, text: str, environ=None, mode: int = 0o600, **given) -> list[str]:
        return [str(problem) for problem in self.problems(text, environ, mode, **given)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


@pytest.fixture
def says(project: Project) -> Callable[..., list[str]]:
    return project.says
