"""Adapter: the system's own program is called with values that are only values."""

import os

import pytest

from hookagent.actions.desktop import Prepared, command
from hookagent.job import Again, Done, Never
from tests.actions.conftest import act


@pytest.fixture
def path(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    return folder


def install(path, script):
    program = path / "notify-send"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


async def test_a_notification_is_shown(outside, path):
    install(path, 'printf "%s|" "$@" > shown')

    outcome = await act(
        "desktop", {"text": "{{ t }}", "urgency": "critical"}, outside, {"t": "-x <b>\x1b[2J"}
    )

    assert outcome == Done({"title": "shop order.paid"})
    assert (outside.folder / "shown").read_text() == (
        "--app-name=hookagent|--urgency=critical|--|shop order.paid|-x &lt;b>\\x1b[2J|"
    )


async def test_where_nothing_can_show_it_the_reason_is_told(outside, path):
    install(path, "echo no bus >&2; exit 1")

    outcome = await act("desktop", {"text": "x"}, outside)

    assert isinstance(outcome, Again)
    assert "no bus" in outcome.error


async def test_without_the_program_it_says_what_to_install(outside, path, monkeypatch):
    monkeypatch.setenv("PATH", str(path))

    outcome = await act("desktop", {"text": "x"}, outside)

    assert isinstance(outcome, Never)
    assert "libnotify-bin" in outcome.error


def test_on_a_mac_values_are_arguments_of_the_script():
    made = command(Prepared(title='t" & "', text="-e x", urgency="low"), "darwin")

    assert made[0] == "osascript"
    assert made[-3:] == ("--", 't" & "', "-e x")
