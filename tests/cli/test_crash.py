"""Where the traceback of a bug goes, and what is not in it."""

from hookagent.cli import crash
from hookagent.cli.main import _bug
from hookagent.errors import ExitCode


def test_it_goes_to_the_projects_state_folder(folder):
    (folder / ".hookagent").mkdir()
    below = folder / "a"
    below.mkdir()

    file = crash.write("text", cwd=below, process=7, environ={})

    assert file == folder / ".hookagent" / "traceback-7.txt"
    assert file.read_text() == "text"
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_project_it_goes_to_the_users_logs(folder, tmp_path):
    file = crash.write("text", cwd=folder, process=7, environ={})

    assert file.is_relative_to(tmp_path / "home")


def test_a_link_in_its_place_is_not_followed(folder, tmp_path):
    state = folder / ".hookagent"
    state.mkdir()
    target = tmp_path / "precious"
    target.write_text("keep")
    (state / "traceback-7.txt").symlink_to(target)

    crash.write("text", cwd=folder, process=7, environ={})

    assert target.read_text() == "keep"


def test_secrets_of_the_environment_are_not_in_it():
    environ = {
        "SHOP_SECRET": "hunter2hunter2",
        "DATABASE": "postgres://u:swordfish@host/db",
        "LANG": "en_GB.UTF-8",
        "PWD": "/home/ada/project",
    }
    text = " ".join([*environ.values(), "ghp_0123456789abcdefABCDEF0123456789abcd"])

    masked = crash.masked(text, environ)

    assert "hunter2" not in masked
    assert "swordfish" not in masked
    assert "ghp_" not in masked
    assert "en_GB.UTF-8" in masked
    assert "/home/ada/project" in masked


def test_where_nothing_can_be_written_the_traceback_is_shown_without_secrets(
    folder, monkeypatch, capsys
):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(crash, "write", refuse)
    monkeypatch.setenv("SHOP_SECRET", "hunter2hunter2")

    assert _bug(RuntimeError("bug with hunter2hunter2")) == ExitCode.BUG

    said = capsys.readouterr().err
    assert "RuntimeError: bug with" in said
    assert "hunter2" not in said
    assert "the traceback above" in said
