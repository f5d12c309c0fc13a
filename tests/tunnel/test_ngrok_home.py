"""Adapter: the private folder of an agent."""

import subprocess
from pathlib import Path

import yaml

from hookagent.tunnel.ngrok_home import config_text, prepare


def test_folder_and_files_are_private(tmp_path):
    home = prepare(Path("/bin/echo"), "tok", tmp_path / "state")

    modes = [path.stat().st_mode & 0o777 for path in (home.folder, home.config, home.launcher)]

    assert modes == [0o700, 0o600, 0o700]
    home.remove()
    assert not home.folder.exists()


def test_two_agents_do_not_share_a_folder(tmp_path):
    homes = [prepare(Path("/bin/echo"), "tok", tmp_path) for _ in range(2)]

    assert homes[0].folder != homes[1].folder


def test_the_configuration_survives_any_token():
    text = config_text("a: b # 'c\"\n- d", 1234)

    agent = yaml.safe_load(text)["agent"]

    assert agent["authtoken"] == "a: b # 'c\"\n- d"
    assert agent["web_addr"] == "127.0.0.1:1234"


def test_the_launcher_hides_the_token_joins_the_outputs_and_writes_its_id(tmp_path):
    program = tmp_path / "an agent's program"
    program.write_text('#!/bin/sh\necho "out $1 [$NGROK_AUTHTOKEN]"; echo err >&2; echo $$\n')
    program.chmod(0o755)
    home = prepare(program, "tok", tmp_path)

    done = subprocess.run(
        [str(home.launcher), "a b"],
        capture_output=True,
        text=True,
        env={"NGROK_AUTHTOKEN": "secret", "PATH": "/bin:/usr/bin"},
        check=True,
    )

    assert done.stderr == ""
    assert done.stdout.splitlines() == ["out a b []", "err", str(home.pid())]


def test_before_the_agent_ran_there_is_no_id(tmp_path):
    assert prepare(Path("/bin/echo"), "tok", tmp_path).pid() is None
