"""Checks of the machine, with what they look at given."""

from types import SimpleNamespace

import pytest

from hookagent.cli.checks import machine
from hookagent.cli.checks.finding import Finding, State

NOW = 1_800_000_000_000


def only(findings) -> Finding:
    (finding,) = findings
    assert isinstance(finding, Finding)
    return finding


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 11, 9), "warning"), ((3, 11, 10), "ok"), ((3, 12, 0), "ok"), ((3, 14, 0), "ok")],
)
def test_an_old_python_is_worth_knowing(version, state):
    assert only(machine.python(version)).state == state


def test_this_machine_parses_in_c_and_has_re2():
    assert only(machine.aiohttp()).state is State.OK
    assert only(machine.re2()).state is State.OK


def test_an_old_aiohttp_fails(monkeypatch):
    monkeypatch.setattr(machine, "version", lambda _: "3.14.4")

    finding = only(machine.aiohttp())

    assert finding.state is State.FAIL
    assert finding.hint == "pip install 'aiohttp>=3.14.5'"


def test_a_parser_in_python_fails(monkeypatch):
    parser = SimpleNamespace(HttpRequestParser=1, HttpRequestParserPy=1)
    monkeypatch.setattr(machine, "import_module", lambda _: parser)

    assert only(machine.aiohttp()).state is State.FAIL


def missing(name: str):
    raise ImportError(name)


def test_missing_libraries_are_told(monkeypatch):
    monkeypatch.setattr(machine, "import_module", missing)

    assert only(machine.aiohttp()).state is State.FAIL
    assert only(machine.re2()).state is State.FAIL
    assert only(machine.keyring()).state is State.OK
    assert list(machine.open_files()) == []


@pytest.mark.parametrize(
    ("module", "state"),
    [("keyring.backends.fail", "warning"), ("keyrings.alt.file", "warning"), ("x.good", "ok")],
)
def test_a_keyring_that_keeps_nothing_is_told(monkeypatch, module, state):
    backend = type("Keyring", (), {"__module__": module})()
    monkeypatch.setattr(
        machine, "import_module", lambda _: SimpleNamespace(get_keyring=lambda: backend)
    )

    assert only(machine.keyring()).state == state


def test_few_open_files_are_told():
    assert only(machine.open_files(256)).hint == "ulimit -n 4096"
    assert only(machine.open_files(4096)).state is State.OK
    assert only(machine.open_files()).check == "open-files"


@pytest.mark.parametrize(
    ("now", "newest", "state"),
    [
        (NOW, 0, "ok"),
        (NOW, NOW, "ok"),
        (NOW, NOW + 2 * machine.DAY_MS, "fail"),
        (0, 0, "fail"),
        (machine.FAR_FUTURE_MS + 1, 0, "fail"),
    ],
)
def test_a_clock_that_cannot_be_right_fails(now, newest, state):
    assert only(machine.clock(now, newest)).state == state


@pytest.mark.parametrize(
    ("text", "expected"), [("3.14.5", (3, 14, 5)), ("4.0a1", (4, 0)), ("x", ())]
)
def test_versions_are_compared_as_numbers(text, expected):
    assert machine.version_of(text) == expected
