"""One run of one command: exit codes, what is imported, what a bug leaves behind."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from hookagent.cli import main as entry
from hookagent.cli.main import COMMANDS, Command, available, load_command, main
from hookagent.errors import (
    AnswerNo,
    ConfigError,
    ExitCode,
    NotFound,
    OutsideError,
    Problem,
    UsageError,
)
from tests.patience import least

HEAVY = {"aiohttp", "rich", "pyngrok", "cryptography", "textual", "asyncio", "msgspec", "re2"}
HELP_COST = 2.5
"""Of the processor, as many times what Python takes to start and to import `asyncio`."""
NARROW = 42
"""Forty columns; an option's name may take thirty, and its text has ten at least."""


@pytest.fixture
def command(monkeypatch):
    """Put a function in place as the command `probe`."""

    def put(function) -> None:
        module = ModuleType("hookagent.cli.probe")
        module.probe = function  # type: ignore[attr-defined] # a module is what we make it
        monkeypatch.setitem(sys.modules, "hookagent.cli.probe", module)
        monkeypatch.setitem(COMMANDS, "probe", Command("probe", "A test's own"))
        monkeypatch.setattr(entry, "_exists", lambda _: True)

    return put


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AnswerNo("no"), 1),
        (UsageError("what"), 2),
        (ConfigError([Problem(code="x", message="bad")]), 3),
        (NotFound("nowhere"), 4),
        (OutsideError("down"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_has_its_exit_code(command, capsys, error, code):
    def probe() -> None:
        """Fail."""
        raise error

    command(probe)

    assert main(["probe"]) == code
    assert capsys.readouterr().out == ""


def test_a_command_returns_its_exit_code(command):
    def probe() -> ExitCode:
        """Say no."""
        return ExitCode.NO

    command(probe)

    assert main(["probe"]) == 1


def test_a_command_that_returns_nothing_is_done(command, capsys):
    def probe() -> None:
        """Do nothing."""

    command(probe)

    assert main(["probe"]) == 0


def test_a_group_of_commands_returns_their_codes(command, monkeypatch):
    app = typer.Typer(**entry.APP)

    @app.command()
    def one() -> int:
        return 4

    @app.command()
    def two() -> None:
        pass

    command(one)
    sys.modules["hookagent.cli.probe"].app = app  # type: ignore[attr-defined] # as above

    assert main(["probe", "one"]) == 4
    assert main(["probe", "two"]) == 0
    assert main(["probe", "three"]) == 2


FULL_DEVICE = Path("/dev/full")


@pytest.mark.skipif(not FULL_DEVICE.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("words", ["schemes", "schemes --json", "--help"])
def test_a_full_disk_is_no_bug_of_ours(words, tmp_path):
    done = ran(words + " > /dev/full", tmp_path)

    assert done.returncode == 5
    assert done.stderr.startswith("hookagent: error: cannot write: no space left on device\nhint: ")
    assert not list(tmp_path.rglob("traceback*"))


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-"])
def test_a_stream_may_be_closed(closed, tmp_path):
    done = ran("schemes github " + closed, tmp_path)

    assert done.returncode == 0
    assert not done.stderr


def test_a_folder_that_is_gone_is_no_bug_of_ours(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()

    done = ran("inspect", gone, before="rmdir ../gone;")

    assert done.returncode == 5
    assert done.stderr == (
        "hookagent: error: the folder this was started in is gone\n"
        "hint: go to one that is there: `cd` and its path\n"
    )


def ran(words: str, folder: Path, before: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a command line in a shell, in a folder and with state of its own."""
    script = f"{before} {sys.executable} -m hookagent {words}"
    environ = {**os.environ, "PYTHONPATH": str(Path.cwd()), "XDG_STATE_HOME": str(folder)}
    return subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_a_bug_leaves_a_private_traceback_and_no_secret(command, capsys, tmp_path, monkeypatch):
    state = tmp_path / ".hookagent"
    state.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_SECRET", "a-secret-in-the-environment")

    def probe() -> None:
        """Break."""
        raise ValueError("a-secret-in-the-environment")

    command(probe)

    assert main(["probe"]) == 70
    (file,) = state.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert "ValueError: ***" in text
    assert "a-secret-in-the-environment" not in text
    found = capsys.readouterr()
    assert str(file) in found.err
    assert "a-secret" not in found.err


@pytest.mark.parametrize("argv", [["--nope"], ["servee"], ["schemes", "--nope"], []])
def test_wrong_usage_is_two(argv, capsys):
    assert main(argv) == 2


def test_a_mistyped_command_is_suggested(capsys):
    assert main(["doctro"]) == 2
    assert "doctor" in capsys.readouterr().err


def test_the_version_is_said(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("name", available())
def test_every_command_has_help_with_an_example(name, capsys):
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    command = load_command(name)
    inner = getattr(command, "commands", None)
    if inner is None:
        assert f"Example: hookagent {name}" in " ".join(text.split())
    else:
        assert "..." not in text.partition("Commands:")[2]  # no sentence is cut
        for below in inner:
            assert main([name, below, "--help"]) == 0
            shown = " ".join(capsys.readouterr().out.split())
            assert f"Example: hookagent {name} {below}" in shown


@pytest.mark.parametrize("argv", [["--help"], *([name, "--help"] for name in available())])
def test_help_fits_forty_columns(capsys, monkeypatch, argv):
    monkeypatch.setenv("COLUMNS", "40")

    assert main(argv) == 0

    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if " " in line.strip()) <= NARROW


def test_every_command_of_the_design_is_listed():
    assert {"init", "serve", "replay", "sign", "verify", "inspect", "rules", "retry", "dead"} | {
        "schemes",
        "stats",
        "doctor",
        "prune",
    } <= set(COMMANDS)


def measured(code: str) -> Any:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys, time, json; from hookagent.cli.main import main; main(['--help']);"
        "names = sorted({name.partition('.')[0] for name in sys.modules});"
        "print(json.dumps({'cpu': time.process_time(), 'modules': names}))"
    )

    yardstick = "import time, argparse, asyncio; print(time.process_time())"
    costs: list[tuple[float, float]] = []

    def ratio() -> float:
        costs.append((measured(code)["cpu"], measured(yardstick)))
        return min(help_s for help_s, _ in costs) / min(other for _, other in costs)

    assert not HEAVY & set(measured(code)["modules"])
    assert least(ratio, HELP_COST) < HELP_COST


@pytest.mark.parametrize("name", available())
def test_the_help_of_a_command_imports_no_web_framework(name):
    code = (
        f"import sys, json; from hookagent.cli.main import main; main([{name!r}, '--help']);"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )

    assert not {"aiohttp", "rich", "pyngrok", "cryptography", "textual"} & set(measured(code))


@pytest.mark.parametrize(
    ("words", "place", "expected"),
    [("hookagent sch", "1", "schemes"), ("hookagent schemes githu", "2", "github")],
)
def test_the_shell_completes_commands_and_schemes(words, place, expected):
    environ = {"_HOOKAGENT_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place}

    done = subprocess.run(
        [sys.executable, "-c", "from hookagent.cli.main import main; main()"],
        capture_output=True,
        text=True,
        env=environ,
        check=False,
    )

    assert done.stdout.split() == [expected]
