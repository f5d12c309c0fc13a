"""Adapter: ending a program with everything it started."""

import subprocess

from hookagent.tunnel.process_group import end_group, wait_until
from tests.patience import PATIENCE_S, eventually
from tests.tunnel.conftest import is_alive


def start(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def close(program: "subprocess.Popen[str]") -> None:
    assert program.stdout is not None
    program.stdout.close()


async def test_a_willing_program_ends_within_the_grace():
    program = start("sleep", "3600")

    await end_group(program.pid, lambda: program.poll() is None, PATIENCE_S)

    assert program.wait() == -15
    close(program)


async def test_an_unwilling_program_is_killed_with_its_child():
    program = start("sh", "-c", "trap '' TERM; sleep 3600 & echo $!; wait; wait")
    assert program.stdout is not None
    child = int(program.stdout.readline())

    await end_group(program.pid, lambda: program.poll() is None, 0.2)

    assert program.wait() == -9
    close(program)
    await eventually(lambda: not is_alive(child))


async def test_a_program_that_has_ended_is_no_error():
    program = start("true")
    program.wait()

    await end_group(program.pid, lambda: program.poll() is None, 0.2)
    close(program)


async def test_waiting_has_an_end():
    await wait_until(lambda: False, 0.05)
