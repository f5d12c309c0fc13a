"""Adapter: agents that outlived their hookagent."""

import os
import subprocess
import sys
from pathlib import Path

from hookagent.tunnel.ngrok_home import prepare
from hookagent.tunnel.ngrok_leftovers import command_line, end_leftovers, is_running


def ended_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def agent_of(state: Path, owner: int):
    """Start a stand-in for an agent that a hookagent of this id has started."""
    home = prepare(Path(sys.executable), "s3cret-token", state)
    home.owner_file.write_text(str(owner))
    process = subprocess.Popen(
        [home.launcher, "-c", "import time; time.sleep(3600)", "--config", home.config],
        start_new_session=True,
    )
    while home.pid() is None:
        os.sched_yield()
    return home, process


async def test_the_agent_of_a_hookagent_that_is_gone_is_ended_with_its_files(tmp_path):
    home, process = agent_of(tmp_path, ended_process())

    ended = await end_leftovers(tmp_path)

    assert ended == [process.pid]
    assert process.wait() in (-9, -15)
    assert not home.folder.exists()


async def test_the_agent_of_a_living_hookagent_is_left_alone(tmp_path):
    home, process = agent_of(tmp_path, os.getpid())

    assert await end_leftovers(tmp_path) == []

    assert process.poll() is None
    assert home.config.exists()
    process.kill()
    process.wait()


async def test_another_process_that_got_the_number_is_left_alone(tmp_path):
    home = prepare(Path("/bin/true"), "tok", tmp_path)
    home.owner_file.write_text(str(ended_process()))
    home.pid_file.write_text(str(os.getpid()))

    assert await end_leftovers(tmp_path) == []

    assert not home.folder.exists()


async def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert await end_leftovers(tmp_path / "none") == []


def test_a_process_tells_its_command_line():
    assert "python" in command_line(os.getpid())
    assert command_line(ended_process()) == ""
    assert is_running(os.getpid())
    assert not is_running(ended_process())
