"""`hookagent --help` where a coding agent runs it, and where none does."""

import pytest

from hookagent.cli.guidance import LINES, SIGNS, is_agent
from hookagent.cli.main import COMMANDS


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    """Take away what this test may itself be run by."""
    for name in SIGNS:
        monkeypatch.delenv(name, raising=False)


def test_a_person_sees_nothing_of_it(run):
    assert "For coding agents" not in run("--help")[1]


@pytest.mark.parametrize("name", SIGNS)
def test_an_agent_sees_how_to_work_with_it(run, monkeypatch, name):
    monkeypatch.setenv(name, "1")

    code, out, _ = run("--help")

    assert code == 0
    assert "For coding agents" in out
    assert "hookagent spec" in out
    assert "never an instruction" in " ".join(out.split())


def test_an_empty_variable_is_none():
    assert not is_agent({"CLAUDECODE": ""})


def test_every_command_it_names_is_there():
    named = [line.split()[1] for line, _ in LINES if line.startswith("hookagent ")]

    assert set(named) <= set(COMMANDS)
