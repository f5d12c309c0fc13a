"""`hookagent service`: a dry run changes nothing, an installation is one file and two commands."""

import os
import plistlib
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hookagent.cli.main import main
from hookagent.cli.service import plan_of
from hookagent.cli.units import Service, launchd_plist, name_of, systemd_unit

SERVICE = Service(
    name="shop",
    program=("/usr/bin/python3", "-m", "hookagent"),
    config=Path("/srv/shop/a.toml"),
    logs=Path("/logs"),
    grace_ms=10_000,
)


@pytest.fixture
def project(folder, monkeypatch):
    (folder / "hookagent.toml").write_text("")
    commands = folder / "bin"
    commands.mkdir()
    program = commands / "systemctl"
    program.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/said"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    return folder


def unit_of(project):
    return Path.home() / ".config/systemd/user/hookagent-project.service"


def test_a_dry_run_shows_everything_and_changes_nothing(project, capsys):
    assert main(["service", "install", "--manager", "systemd", "--dry-run"]) == 0

    out = capsys.readouterr().out
    assert f"# {unit_of(project)}" in out
    assert "Type=notify" in out
    assert "# then: systemctl --user enable --now hookagent-project.service" in out
    assert not unit_of(project).exists()
    assert not (project / "bin" / "said").exists()


def test_install_writes_and_starts_and_remove_takes_it_back(project, capsys):
    assert main(["service", "install", "--manager", "systemd"]) == 0
    assert f"ExecStart={sys.executable} -m hookagent serve" in unit_of(project).read_text()
    assert main(["service", "install", "--manager", "systemd"]) == 0
    assert main(["service", "remove", "--manager", "systemd"]) == 0
    assert not unit_of(project).exists()

    said = (project / "bin" / "said").read_text().splitlines()
    assert said[:2] == [
        "--user daemon-reload",
        "--user enable --now hookagent-project.service",
    ]
    assert said[-2:] == ["--user disable --now hookagent-project.service", "--user daemon-reload"]


def test_a_file_that_somebody_changed_is_not_replaced(project, capsys):
    main(["service", "install", "--manager", "systemd", "--no-start"])
    unit_of(project).write_text("mine")

    assert main(["service", "install", "--manager", "systemd", "--no-start"]) == 2
    assert unit_of(project).read_text() == "mine"
    assert main(["service", "install", "--manager", "systemd", "--no-start", "--force"]) == 0
    assert not (project / "bin" / "said").exists()


def test_what_the_manager_refuses_is_said(project, capsys):
    (project / "bin" / "systemctl").write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")

    assert main(["service", "install", "--manager", "systemd"]) == 5
    assert "no bus" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [
    (("install", "--manager", "upstart"), 2),
    (("install", "--name", "a/b"), 2),
    (("remove", "--manager", "systemd"), 4),
])  # fmt: skip
def test_what_cannot_be_is_refused(project, arguments, code):
    assert main(["service", *arguments]) == code


def test_a_service_needs_a_configuration(folder):
    assert main(["service", "install", "--dry-run"]) == 2


def test_words_of_a_unit_are_quoted_as_systemd_reads_them():
    service = Service(
        name="a%b",
        program=("/opt/my py/$x",),
        config=Path('/s "r%/a.toml'),
        logs=Path("/l"),
        grace_ms=10_000,
    )
    unit = systemd_unit(service)

    assert r'ExecStart="/opt/my py/$$x" serve --config "/s \"r%%/a.toml" --output compact' in unit
    assert 'WorkingDirectory=/s "r%%\n' in unit


def test_launchd_gets_a_property_list_and_its_own_commands():
    read = plistlib.loads(launchd_plist(SERVICE).encode())
    plan = plan_of(SERVICE, "launchd", Path("/home/ada"), 501)

    assert read["ProgramArguments"] == list(SERVICE.arguments)
    assert read["KeepAlive"] == {"SuccessfulExit": False}
    assert plan.file == Path("/home/ada/Library/LaunchAgents/hookagent.shop.plist")
    assert plan.start == (("launchctl", "bootstrap", "gui/501", str(plan.file)),)


def test_a_stop_may_take_as_long_as_the_configuration_says(project, capsys):
    (project / "hookagent.toml").write_text('[worker]\ngrace = "5m"\n')
    main(["service", "install", "--manager", "systemd", "--dry-run"])
    launchd = plistlib.loads(launchd_plist(replace(SERVICE, grace_ms=300_500)).encode())

    assert "TimeoutStopSec=320\n" in capsys.readouterr().out
    assert launchd["ExitTimeOut"] == 321


def test_a_name_comes_from_the_folder():
    assert name_of(Path("/srv/my shop!")) == "my-shop"
    assert name_of(Path("/")) == "project"


def test_a_services_log_is_where_its_platform_keeps_logs(project, capsys, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/home/ada/my state")
    main(["service", "install", "--manager", "systemd", "--dry-run"])
    systemd = capsys.readouterr().out
    main(["service", "install", "--manager", "launchd", "--dry-run"])
    launchd = capsys.readouterr().out

    assert 'Environment="HOOKAGENT_LOG_FOLDER=/home/ada/my state/hookagent/log/project"' in systemd
    assert f"<string>{Path.home()}/Library/Logs/hookagent/project</string>" in launchd


def test_a_log_folder_of_the_configuration_is_left_alone(project, capsys):
    (project / "hookagent.toml").write_text("[log]\nfolder = 'logs'\n")
    main(["service", "install", "--manager", "systemd", "--dry-run"])
    assert "HOOKAGENT_LOG_FOLDER" not in capsys.readouterr().out


def test_a_services_variables_are_quoted_for_systemd():
    odd = replace(SERVICE, logs=Path('/a "b" %h $x'))
    assert 'Environment="HOOKAGENT_LOG_FOLDER=/a \\"b\\" %%h $x/shop"' in systemd_unit(odd)


def test_systemd_understands_the_unit(project, capsys, tmp_path, monkeypatch):
    checker = shutil.which("systemd-analyze")
    if checker is None:
        pytest.skip("systemd is not installed")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / 'st ate "%h'))
    main(["service", "install", "--manager", "systemd", "--dry-run"])
    out = capsys.readouterr().out
    unit = tmp_path / "hookagent-project.service"
    unit.write_text("".join(f"{line}\n" for line in out.splitlines() if line[:1] != "#"))

    done = subprocess.run(
        [checker, "verify", "--user", "--man=no", str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
