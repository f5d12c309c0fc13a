"""Whole: T20, a disk that is full, locked, read-only or damaged: 503 before any promise."""

import os
import sqlite3
import subprocess

import pytest

from tests.patience import PATIENCE_S, wait_until
from tests.whole.served import lines, run, serving, write_project

LIMITED = """
import os, resource, runpy, signal, sys, threading
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def lift(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
def limit(*_):
    size = int(os.environ["FILE_SIZE"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
signal.signal(signal.SIGUSR1, limit)
signal.signal(signal.SIGUSR2, lift)
sys.argv = ["hookagent", *sys.argv[1:]]
from hookagent.cli.main import main
sys.exit(main())
"""


class Full:
    """An agent whose files may be limited in size by a signal: a disk that fills and empties."""

    def __init__(self, project):
        self.project = project

    def start(self, monkeypatch):

        real = subprocess.Popen

        def popen(arguments, **options):
            assert arguments[1:3] == ["-m", "hookagent"]
            return real([arguments[0], "-c", LIMITED, *arguments[3:]], **options)

        monkeypatch.setattr(subprocess, "Popen", popen)
        return serving(self.project, environ={"FILE_SIZE": "16384"})


def test_t20_a_full_disk_answers_503_and_heals_by_itself(tmp_path, monkeypatch):
    import signal

    project = write_project(tmp_path)
    with Full(project).start(monkeypatch) as agent:
        assert agent.post({"id": "before"})[0] == 200
        agent.process.send_signal(signal.SIGUSR1)
        pad = "x" * 20_000
        refused = [agent.post({"id": f"full-{n}", "pad": pad}) for n in range(5)]
        health = agent.request("GET", "/nowhere")[0]
        agent.process.send_signal(signal.SIGUSR2)
        wait_until(lambda: agent.post({"id": "after"})[0] == 200)
        again = agent.post({"id": "full-0", "pad": pad})
        agent.stop()

    assert {status for status, _ in refused[1:]} == {503}
    assert health == 404
    assert again[0] == 200
    ids = {
        lines(run(project, "inspect", one["id"], "--json"))[0]["body"][:20]
        for one in lines(run(project, "inspect", "--json"))
    }
    assert any("before" in body for body in ids)
    assert any("after" in body for body in ids)
    assert run(project, "doctor").returncode in {0, 1}


def test_t20_a_store_locked_by_another_program_answers_503_and_heals(tmp_path):
    project = write_project(tmp_path)
    with serving(project) as agent:
        assert agent.post({"id": "before"})[0] == 200
        other = sqlite3.connect(
            project / ".hookagent" / "hookagent.db", isolation_level=None, timeout=PATIENCE_S
        )
        other.execute("BEGIN IMMEDIATE")
        refused, answer = agent.post({"id": "during"})
        other.execute("ROLLBACK")
        other.close()
        wait_until(lambda: agent.post({"id": "after"})[0] == 200)
        agent.stop()

    assert (refused, answer["error"]) == (503, "unavailable")
    assert agent.wait_for("delivered", status=503)["code"] == "unavailable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_t20_a_read_only_folder_is_said_at_the_start(tmp_path):
    project = write_project(tmp_path)
    (project / ".hookagent").mkdir(mode=0o500)

    done = run(project, "serve", "--port", "0", "--no-inspector")

    assert done.returncode == 5


@pytest.mark.parametrize("damage", ["noise", "cut", "not a database"])
def test_t20_a_damaged_store_is_said_at_the_start_with_the_way_out(tmp_path, damage):
    project = write_project(tmp_path)
    with serving(project) as agent:
        for number in range(50):
            agent.post({"id": str(number), "pad": "x" * 2_000})
        agent.stop()
    file = project / ".hookagent" / "hookagent.db"
    data = bytearray(file.read_bytes())
    if damage == "noise":
        data[4_096 : 4_096 * 8] = os.urandom(4_096 * 7)
    elif damage == "cut":
        del data[len(data) // 2 :]
    else:
        data[:16] = b"no database here"
    file.write_bytes(data)

    done = run(project, "serve", "--port", "0", "--no-inspector")

    assert done.returncode == 5
    assert b"salvage" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_store_of_a_newer_hookagent_is_left_alone(tmp_path):
    project = write_project(tmp_path)
    with serving(project) as agent:
        agent.post({"id": "1"})
        agent.stop()
    file = project / ".hookagent" / "hookagent.db"
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 9999")
    database.close()
    before = file.read_bytes()

    done = run(project, "serve", "--port", "0", "--no-inspector")

    assert done.returncode == 5
    assert b"newer" in done.stderr
    assert file.read_bytes() == before
