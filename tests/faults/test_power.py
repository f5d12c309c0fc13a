"""Whole: the power goes at any moment of an agent's life (T20): nothing acknowledged is lost.

The disk is simulated from a journal of every write and sync (`disk.py`): what was not synced is
lost, kept, torn or reordered at random. Each image is looked at as it is, and an agent is started
on some.
"""

import errno
import random
import subprocess
import sys
import time

import pytest

from tests.faults.disk import COMPILER, Disk, compiled, environment, records
from tests.faults.oracle import RULES
from tests.faults.power import broken_after_start, broken_at_once, cuts, live
from tests.whole.served import write_project

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="needs a C compiler, and there is none"),
    pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD is Linux's"),
]
LEASES = '\n[worker]\nlease = "2s"\n'
CARELESS = """
import sqlite3, sys
import hookagent.store.sqlite.connection as connection
careful = connection._set_up
def careless(opened, purpose):
    careful(opened, purpose)
    opened.execute("PRAGMA synchronous=OFF")
connection._set_up = careless
from hookagent.cli.main import main
sys.exit(main())
"""


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("shim"))


def failing_syncs(faults, chance, end):
    """Fail for a while, now and then: what a failed sync covered may be lost although it reads."""
    while not end.wait(chance.uniform(0.05, 0.3)):
        faults.set(sync=errno.EIO)
        end.wait(chance.uniform(0.01, 0.2))
        faults.set()


def judged(history, *, looks, starts, seed):
    """Return what is broken at so many cuts, an agent being started on some of them."""
    chance = random.Random(seed)
    started = set(chance.sample(range(looks), starts))
    broken, promises = [], 0
    for number, cut in enumerate(cuts(history, looks, chance)):
        found = broken_at_once(cut) or (number in started and broken_after_start(cut)) or []
        broken += [f"cut {number}: {one}" for one in found[:3]]
        promises += len(cut.acknowledged)
    print(f"{looks} cuts, {starts} starts, {promises} promises looked up: {len(broken)} broken")
    assert promises > looks
    return broken


@pytest.mark.parametrize("trouble", [None, failing_syncs], ids=["sound disk", "failing syncs"])
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 9))]
)
def test_t20_a_power_cut_loses_nothing_that_was_acknowledged(
    tmp_path, shim, seed, trouble, request
):
    is_long = request.config.getoption("--long")
    project = write_project(tmp_path / "project", rules=RULES, more=LEASES)
    history = live(project, shim, seed=seed, trouble=trouble)

    assert (
        judged(history, looks=100 if is_long else 25, starts=25 if is_long else 3, seed=seed) == []
    )


def test_without_synced_commits_the_same_cuts_find_losses(tmp_path, shim, monkeypatch):
    """The harness can fail: a store that does not sync loses what it promised."""
    real = subprocess.Popen

    def popen(arguments, **options):
        return real([arguments[0], "-c", CARELESS, *arguments[3:]], **options)

    project = write_project(tmp_path / "project", rules=RULES, more=LEASES)
    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", popen)
        history = live(project, shim, seed=1, lives=1)

    broken = judged(history, looks=15, starts=0, seed=1)
    assert any("lost" in one for one in broken)


WRITER = """
import os, sys
folder, name = os.path.split(sys.argv[1])
file = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR, 0o600)
os.write(file, b"a" * 1024)
if "sync" in sys.argv: os.fsync(file)
if "name" in sys.argv: os.fsync(os.open(folder, os.O_RDONLY))
os.pwrite(file, b"b" * 512, 512)
os.pwrite(file, b"c" * 512, 0)
os.ftruncate(file, 900)
"""


def images(tmp_path, shim, *words):
    """Return every content a file may have after a power cut at the end of a small program."""
    root, journal = tmp_path / "root", tmp_path / "journal"
    root.mkdir()
    disk = Disk(root)
    subprocess.run(
        [sys.executable, "-c", WRITER, str(root / "file"), *words],
        check=True, timeout=30, env=environment(shim, root, journal=journal),
    )  # fmt: skip
    for record in records(journal):
        disk.follow(record)
    chance, seen = random.Random(1), set()
    for number in range(200):
        place = tmp_path / f"image-{number}"
        disk.cut(place, chance, chance.choice((0.0, 0.5, 1.0)))
        file = place / "file"
        seen.add(file.read_bytes() if file.exists() else None)
    return seen


def test_the_disk_keeps_what_was_synced_and_any_part_of_the_rest(tmp_path, shim):
    seen = images(tmp_path, shim, "sync", "name")

    assert seen == {
        first + second[: length - 512]
        for first in (b"a" * 512, b"c" * 512)
        for second in (b"a" * 512, b"b" * 512, b"b" * 388 + b"\0" * 124)
        for length in (900, 1024)
    }


def test_a_name_that_was_not_synced_may_be_gone(tmp_path, shim):
    assert None in images(tmp_path, shim, "sync")


def test_what_was_never_synced_may_be_gone(tmp_path, shim):
    assert b"" in images(tmp_path, shim, "name")


def test_the_clock_of_the_journal_is_the_witness_s(tmp_path, shim):
    before = time.monotonic_ns()
    images(tmp_path, shim)

    assert all(before < one.at_ns < time.monotonic_ns() for one in records(tmp_path / "journal"))
