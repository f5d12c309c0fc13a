"""Who may read the store's files, and which process may serve from them."""

import os
import stat
import subprocess
import sys

import pytest

from hookagent.errors import OutsideError
from hookagent.store.base import EventFilter, Routed
from hookagent.store.sqlite import Mode, SqliteStore
from hookagent.store.sqlite.files import ServeLock, make_private
from tests.store.making import event, run


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_t16_files_are_0600_and_the_folder_0700_whatever_the_umask(reopen, path, umask):
    before = os.umask(umask)
    try:
        async with reopen() as store:
            await store.accept(event(1))
            await store.index_bodies(limit=1)
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            names = {
                found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()
            }
            assert set(names.values()) == {0o600}
            assert {path.name, f"{path.name}-wal", f"{path.name}.lock"} <= set(names)
    finally:
        os.umask(before)


async def test_a_file_that_others_could_read_is_closed_to_them(reopen, path):
    async with reopen():
        pass
    path.chmod(0o644)
    async with reopen():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", ".lock"])
def test_t16_a_symbolic_link_in_place_of_a_file_is_refused(path, tmp_path, ending):
    path.parent.mkdir(mode=0o700)
    elsewhere = tmp_path / "elsewhere"
    path.with_name(path.name + ending).symlink_to(elsewhere)
    with pytest.raises(OutsideError, match="not a plain file"):
        make_private(path)
    assert not elsewhere.exists()


def test_t16_a_symbolic_link_in_place_of_the_folder_is_refused(path, tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    path.parent.symlink_to(tmp_path / "real")
    with pytest.raises(OutsideError, match="symbolic link"):
        make_private(path)


def test_a_folder_others_may_write_to_is_refused(path):
    path.parent.mkdir()
    path.parent.chmod(0o777)
    with pytest.raises(OutsideError, match="may be written by others"):
        make_private(path)


async def test_a_second_server_on_the_same_store_is_refused_by_name(reopen, path):
    async with reopen():
        with pytest.raises(OutsideError, match=f"pid {os.getpid()}"):
            await SqliteStore(path).open()
    async with reopen():
        pass


def test_the_lock_ends_with_its_process(path):
    make_private(path)
    script = (
        "import sys, pathlib; from hookagent.store.sqlite.files import ServeLock;"
        "ServeLock(pathlib.Path(sys.argv[1])).take(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(OutsideError, match=f"pid {holder.pid}"):
            ServeLock(path).take()
        holder.kill()
    lock = ServeLock(path)
    lock.take()
    lock.release()


async def test_tools_look_and_write_a_little_beside_a_server(reopen, path):
    async with reopen() as serving:
        await serving.accept(event(1))
        dead = run(1, event(1), state="dead")
        await serving.route("w", [Routed(event_id=event(1).id, runs=[dead])])
        tool = SqliteStore(path, mode=Mode.TOOL)
        await tool.open()
        assert len(await tool.events(EventFilter(status="dead"))) == 1
        assert await tool.revive(dead.id, now=5) is not None
        assert await serving.next_due() == 0
        assert len(await serving.claim_runs("w", now=5, lease_until=9, limit=1)) == 1
        await tool.keep("name", b"value")
        with pytest.raises(OutsideError, match="does not serve"):
            await tool.accept(event(2))
        await tool.close()
        assert await serving.kept("name") == b"value"
        assert not (await serving.accept(event(2))).is_duplicate
