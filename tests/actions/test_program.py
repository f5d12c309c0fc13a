"""Adapter: a program gets its payload privately, and only a few run at once."""

import asyncio
import sys

import pytest

from hookagent.actions.program import PARALLEL_MAX, Program, identity, place, run_program
from tests.actions.conftest import call_of, event_of


def python(code, **more):
    return Program(arguments=(sys.executable, "-I", "-S", "-c", code), **more)


async def test_the_payload_is_on_stdin_and_in_a_private_file_that_goes_away(outside):
    code = """
import os, sys
path = os.environ["HOOKAGENT_EVENT_FILE"]
print(oct(os.stat(path).st_mode & 0o777), oct(os.stat(os.path.dirname(path)).st_mode & 0o777))
print(open(path, "rb").read() == sys.stdin.buffer.read() == b"pay\\0load")
"""
    ended = await run_program(python(code, stdin=b"pay\0load"), call_of(), outside)

    assert ended.stdout.split() == [b"0o600", b"0o700", b"True"]
    assert list(outside.state.iterdir()) == []


async def test_the_event_is_named_in_the_environment():
    assert identity(event_of()) == {
        "HOOKAGENT_EVENT_ID": "evt_1",
        "HOOKAGENT_SOURCE": "shop",
        "HOOKAGENT_TYPE": "order.paid",
        "HOOKAGENT_EVENT": "shop/order.paid",
    }


async def test_a_program_is_found_from_the_folder_it_runs_in(outside):
    folder = outside.folder / "tools"
    folder.mkdir()
    script = folder / "go.sh"
    script.write_text("#!/bin/sh\npwd\n")
    script.chmod(0o755)

    ended = await run_program(Program(arguments=("./go.sh",), cwd="tools"), call_of(), outside)

    assert ended.stdout.decode().strip().endswith("/tools")


async def test_a_missing_folder_is_told(outside):
    with pytest.raises(NotADirectoryError, match="nowhere"):
        await run_program(Program(arguments=("true",), cwd="nowhere"), call_of(), outside)


async def test_only_a_few_run_at_the_same_time(outside):
    counter = outside.folder / "running"
    counter.mkdir()
    code = f"""
import os, time
path = os.path.join({str(counter)!r}, str(os.getpid()))
open(path, "w").close()
print(len(os.listdir({str(counter)!r})))
time.sleep(0.1)
os.remove(path)
"""

    async def in_its_turn():
        async with place(outside):
            return await run_program(python(code), call_of(), outside)

    ended = await asyncio.gather(*(in_its_turn() for _ in range(8)))

    assert max(int(each.stdout) for each in ended) <= PARALLEL_MAX
