"""Adapter: a damaged store gives back what can be read, and the way to use it is said."""

import sqlite3

from hookagent.cli.main import main
from tests.whole.served import lines, run, serving, write_project


def test_a_damaged_store_gives_back_its_events(tmp_path):
    project = write_project(tmp_path)
    with serving(project) as agent:
        for number in range(20):
            agent.post({"id": f"{number}", "type": "t", "pad": "x" * 3000})
        agent.stop()
    database = project / ".hookagent" / "hookagent.db"
    sqlite3.connect(database).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    damaged = bytearray(database.read_bytes())
    damaged[-40_000:-36_000] = b"\xff" * 4_000
    database.write_bytes(damaged)

    done = run(project, "doctor", "--salvage")

    assert done.returncode == 0, done.stderr
    assert b"saved" in done.stdout
    assert b"to use it: mv" in done.stderr
    salvaged = database.with_name("hookagent.db.salvaged")
    salvaged.rename(database)
    for stale in database.parent.glob("hookagent.db-*"):
        stale.unlink()
    found = lines(run(project, "inspect", "--json", "--limit", "100"))
    assert 15 <= len(found) <= 20


def test_a_running_agent_is_not_salvaged_from_under(tmp_path):
    project = write_project(tmp_path)
    with serving(project) as agent:
        done = run(project, "doctor", "--salvage")
        agent.stop()

    assert done.returncode == 5
    assert b"stop it first" in done.stderr


def test_a_target_that_exists_is_not_overwritten(tmp_path, capsys):
    project = write_project(tmp_path)
    (tmp_path / "there").write_text("mine")

    code = main(
        [
            "doctor",
            "--salvage",
            "--to",
            str(tmp_path / "there"),
            "--config",
            str(project / "hookagent.toml"),
        ]
    )

    assert code == 5
    assert (tmp_path / "there").read_text() == "mine"
    assert "exists already" in capsys.readouterr().err
