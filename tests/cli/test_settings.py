"""How a command comes by its configuration."""

import pytest

from hookagent.cli import settings
from hookagent.errors import ConfigError


def test_flags_that_were_not_given_change_nothing(configured):
    config = settings.load_config(None, flags={"server.port": None, "inspector.port": 5})

    assert config.server.port == 8787
    assert config.inspector.port == 5


def test_the_store_option_wins(configured):
    config = settings.load_config(None, store="sqlite:///other.db")

    assert config.store.url.endswith("/project/other.db")


def test_warnings_are_said_on_stderr_once(configured, capsys):
    (configured / "hookagent.toml").chmod(0o644)

    settings.load_config(None)
    said = capsys.readouterr()
    settings.load_config(None, say_warnings=False)

    assert said.out == ""
    assert said.err.startswith("hookagent: warning: hookagent.toml:5:10: the secret of source")
    assert capsys.readouterr() == ("", "")


def test_a_variable_names_the_file(configured, monkeypatch):
    monkeypatch.setenv("HOOKAGENT_CONFIG", str(configured / "hookagent.toml"))
    monkeypatch.chdir("/")

    assert settings.source_names(configured.parent, {"HOOKAGENT_CONFIG": "/nope"}) == ()
    assert settings.source_names(
        configured.parent, {"HOOKAGENT_CONFIG": str(configured / "hookagent.toml")}
    ) == ("shop",)


@pytest.mark.parametrize("text", ["not toml", "sources = 1", ""])
def test_names_for_completion_never_fail(folder, text):
    (folder / "hookagent.toml").write_text(text)

    assert settings.source_names(folder, {}) == ()


def test_a_wrong_file_has_all_its_problems(configured):
    (configured / "hookagent.toml").write_text("a = 1\nb = 2\n")

    with pytest.raises(ConfigError) as caught:
        settings.load_config(None)
    assert len(caught.value.problems) == 2
