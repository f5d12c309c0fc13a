"""A project folder to run commands in, away from the user's own files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hookagent.cli.main import main
from tests.cli.workbench import CONFIG, Application, Seed, application

SECRET = "an-honest-secret-of-32-characters"
SOURCE = f"""
[sources.shop]
path = "/hooks/shop"
scheme = "github"
secret = "{SECRET}"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty working directory; the user's folders are beside it."""
    here = tmp_path / "project"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOOKAGENT_CONFIG", "NGROK_AUTHTOKEN"):
        monkeypatch.delenv(name, raising=False)
    return here


@pytest.fixture
def configured(folder: Path) -> Path:
    """Give a working directory with one source."""
    file = folder / "hookagent.toml"
    file.write_text(SOURCE)
    file.chmod(0o600)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command; returns its exit code, stdout and stderr."""

    def call(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(argv))
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


@pytest.fixture
def seed(folder: Path) -> Seed:
    """Give a project with two sources whose store can be filled."""
    file = folder / "hookagent.toml"
    file.write_text(CONFIG)
    file.chmod(0o600)
    return Seed(folder)


@pytest.fixture
def app() -> Iterator[Application]:
    """Give an application under test."""
    with application() as server:
        yield server
