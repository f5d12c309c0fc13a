"""The user's folders where there is a home, and where there is none."""

import os

import platformdirs
import pytest

from hookagent.config.folders import NOWHERE, users_folder
from hookagent.config.trust import users_registry


@pytest.fixture
def homeless(monkeypatch):
    """Take the home away, as for a user of a container that no file knows."""
    for name in [name for name in os.environ if name.startswith("XDG_")] + ["HOME"]:
        monkeypatch.delenv(name, raising=False)

    def nothing(_name):
        raise RuntimeError("could not determine the home directory")

    for kind in ("config", "state", "log"):
        monkeypatch.setattr(platformdirs, f"user_{kind}_path", nothing)


def test_the_folders_are_the_platforms():
    for kind in ("config", "state", "log"):
        assert users_folder(kind).is_absolute()
        assert "hookagent" in users_folder(kind).parts


def test_without_a_home_nothing_is_trusted_and_nothing_fails(homeless, tmp_path):
    registry = users_registry({})
    assert users_folder("state") == NOWHERE
    assert registry.refused(tmp_path, ["rm"]) == ["rm"]
    with pytest.raises(OSError, match="Not a directory"):
        registry.allow(tmp_path, ["rm"])


def test_a_folder_that_is_not_absolute_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(platformdirs, "user_config_path", lambda _name: tmp_path.relative_to("/"))
    assert users_folder("config") == NOWHERE


def test_the_users_state_needs_a_home(homeless, project):
    (problem,) = project.problems("state_folder = 'user'\n")
    assert (problem.code, problem.line) == ("no-home", 1)
