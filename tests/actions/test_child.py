"""Adapter: T15, real children that misbehave; nothing of them is left."""

import asyncio
import os
import sys
import threading
from pathlib import Path

import pytest

from hookagent.actions import child as child_module
from hookagent.actions.child import OUTPUT_BYTES_MAX, Command, clean_environment, run_child
from tests.patience import PATIENCE_S, eventually


@pytest.fixture(autouse=True)
def short_grace(monkeypatch):
    monkeypatch.setattr(child_module, "GRACE_SECONDS", 0.2)
    monkeypatch.setattr(child_module, "DRAIN_SECONDS", 0.3)


@pytest.fixture
def command(tmp_path):
    stdin = tmp_path / "stdin"
    stdin.write_bytes(b"the payload")

    def make(*arguments, **environment):
        return Command(
            arguments=arguments,
            environment={"PATH": os.environ["PATH"], **environment},
            folder=tmp_path,
            stdin=stdin,
        )

    return make


def python(code):
    return (sys.executable, "-I", "-S", "-c", code)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie that its new parent has not reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def is_gone(pid: int) -> None:
    await eventually(lambda: not is_alive(pid))


async def run_until(is_ready, command):
    """Run a child to a time limit that lets it get ready first, on a machine of any speed."""
    for seconds in (0.8, 4, 20, PATIENCE_S):
        ended = await run_child(command, timeout_seconds=seconds)
        if is_ready():
            return ended
    raise AssertionError("it was never ready")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_input_output_and_exit_code_go_through(command):
    code = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.stderr.write('oops'); sys.exit(3)"

    ended = await run_child(command(*python(code)), timeout_seconds=PATIENCE_S)

    assert (ended.stdout, ended.stderr, ended.exit_code) == (b"THE PAYLOAD", b"oops", 3)
    assert not ended.timed_out
    assert not ended.is_cut


async def test_files_a_child_makes_are_private_and_it_leads_its_own_session(command, tmp_path):
    code = "import os; open('made', 'w'); print(os.getsid(0) == os.getpid())"

    ended = await run_child(command(*python(code)), timeout_seconds=PATIENCE_S)

    assert ended.stdout.strip() == b"True"
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


async def test_a_child_that_crashes_leaves_no_core(command, tmp_path):
    code = (
        "import resource, sys; sys.stdin.read(); print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    (tmp_path / "stdin").write_bytes(b"x" * 10_000_000)

    ended = await run_child(command(*python(code)), timeout_seconds=PATIENCE_S)

    assert ended.stdout.strip() == b"0"


async def test_a_hundred_megabytes_of_output_are_read_and_a_bounded_part_is_kept(command):
    ended = await run_child(
        command("head", "-c", "100000000", "/dev/zero"), timeout_seconds=PATIENCE_S
    )

    assert ended.exit_code == 0
    assert len(ended.stdout) == OUTPUT_BYTES_MAX
    assert ended.is_cut


async def test_a_child_that_never_reads_its_input_ends_all_the_same(command, tmp_path):
    (tmp_path / "stdin").write_bytes(b"x" * 30_000_000)

    ended = await run_child(command("true"), timeout_seconds=PATIENCE_S)

    assert ended.exit_code == 0


async def test_a_child_that_ignores_sigterm_is_killed_with_its_children(command, tmp_path):
    code = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(2):
    if os.fork() == 0:
        break
with open(f"pid-{os.getpid()}", "w"):
    pass
time.sleep(600)
"""

    def pids():
        return [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]

    ended = await run_until(lambda: len(pids()) >= 3, command(*python(code)))

    assert ended.timed_out
    assert ended.exit_code == -9
    for pid in pids():
        await is_gone(pid)


async def test_a_child_that_ends_on_sigterm_can_tidy_up(command, tmp_path, monkeypatch):
    code = """
import signal, sys, time
def end(*_):
    open("tidied", "w"); sys.exit(0)
signal.signal(signal.SIGTERM, end)
open("ready", "w")
time.sleep(600)
"""
    monkeypatch.setattr(child_module, "GRACE_SECONDS", PATIENCE_S)
    ended = await run_until((tmp_path / "ready").exists, command(*python(code)))

    assert ended.timed_out
    assert (tmp_path / "tidied").exists()


async def test_what_a_child_leaves_in_the_background_ends_with_it(command, tmp_path):
    ended = await run_child(
        command("sh", "-c", "sleep 60 & echo $! > pid; echo done"), timeout_seconds=PATIENCE_S
    )

    assert ended.stdout == b"done\n"
    await is_gone(int((tmp_path / "pid").read_text()))


async def test_a_stranger_that_keeps_the_pipe_open_is_not_waited_for(command, tmp_path):
    code = """
import os, time
if os.fork() == 0:
    os.setsid()
    with open("pid", "w") as file:
        file.write(str(os.getpid()))
    time.sleep(120)
else:
    while not os.path.exists("pid") or not os.path.getsize("pid"):
        time.sleep(0.01)
    print("done")
"""
    ended = await run_child(command(*python(code)), timeout_seconds=PATIENCE_S)

    stranger = int((tmp_path / "pid").read_text())
    assert ended.stdout == b"done\n"
    assert not ended.timed_out
    assert is_alive(stranger)
    os.kill(stranger, 9)


async def test_cancelling_kills_the_whole_group(command, tmp_path):
    running = asyncio.ensure_future(
        run_child(
            command("sh", "-c", "sleep 60 & echo $! $$ > pid; wait"), timeout_seconds=PATIENCE_S
        )
    )
    pid = tmp_path / "pid"
    await eventually(lambda: pid.exists() and len(pid.read_text().split()) == 2)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    for number in pid.read_text().split():
        await is_gone(int(number))


async def test_a_program_that_is_not_there_leaves_no_pipe_open(command):
    before = descriptors()

    for _ in range(5):
        with pytest.raises(FileNotFoundError):
            await run_child(command("/nowhere/at/all"), timeout_seconds=1)

    assert descriptors() <= before + 1


async def test_many_children_leave_no_descriptor_behind(command):
    await run_child(command("true"), timeout_seconds=PATIENCE_S)
    before = descriptors()

    await asyncio.gather(
        *(run_child(command("echo", "x"), timeout_seconds=PATIENCE_S) for _ in range(20))
    )

    assert descriptors() <= before + 1


def test_it_works_on_uvloop_too(command):
    uvloop = pytest.importorskip("uvloop")

    ended = uvloop.run(run_child(command("cat"), timeout_seconds=PATIENCE_S))

    assert ended.stdout == b"the payload"


def test_a_child_inherits_no_secret_of_ours():
    inherited = {"PATH": "/bin", "HOME": "/home/x", "GITHUB_TOKEN": "t", "LD_PRELOAD": "/x.so"}

    assert clean_environment(inherited, {"A": "1"}) == {"PATH": "/bin", "HOME": "/home/x", "A": "1"}


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not there")
def test_no_descriptor_of_anyone_else_is_closed(command):
    """A number closed twice can be, the second time, a file that another thread has just opened."""
    import uvloop

    lost = []
    is_over = threading.Event()

    def open_and_close() -> None:
        while not is_over.is_set():
            descriptor = os.open(os.devnull, os.O_RDONLY)
            try:
                os.close(descriptor)
            except OSError:
                lost.append(descriptor)

    async def run_some() -> None:
        for _ in range(100):
            await asyncio.gather(
                *(run_child(command("true"), timeout_seconds=PATIENCE_S) for _ in range(4))
            )

    bystanders = [threading.Thread(target=open_and_close) for _ in range(4)]
    for bystander in bystanders:
        bystander.start()
    try:
        uvloop.run(run_some())
    finally:
        is_over.set()
        for bystander in bystanders:
            bystander.join()

    assert lost == []
