"""T16: names that climb, links in the way, hostile stores, loose umasks: nothing leaves its place."""

import json
import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from tests.whole.served import OURS, WAIT_S, run, serving, write_project

NAMES = [
    "../../escaped", "/escaped", "..", ".", "", "a/../../escaped", "..\\escaped", "escaped\0x",
    "%2e%2e%2fescaped", "~/escaped", "-escaped", "CON", "a" * 5_000, "\u202eescaped", "./.env",
]  # fmt: skip
RULES = """
[rule.keeps]
[[rule.keeps.do]]
action = "file"
path = "out/{{ name }}"
json = "{{ name }}"
retry = { attempts = 1 }
"""


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_t16_the_state_is_private_whatever_the_umask(tmp_path, mask):
    project = write_project(tmp_path / "p", rules=RULES)
    config = project / "hookagent.toml"
    text = config.read_text()
    start = text.index("secret = ")
    config.write_text(text[:start] + 'secret = "auto"' + text[text.index("\n", start) :])
    before = os.umask(mask)
    try:
        with serving(project) as agent:
            agent.post({"id": "1", "name": "x"})
            loose = [
                f"{path}: {stat.filemode(path.lstat().st_mode)}"
                for path in (project / ".hookagent", *(project / ".hookagent").rglob("*"))
                if path.lstat().st_mode & 0o077
            ]
            agent.stop()
    finally:
        os.umask(before)

    assert loose == []


def test_t16_no_name_leads_out_of_the_project(tmp_path):
    inner = tmp_path / "a" / "b" / "project"
    project = write_project(inner, rules=RULES)
    with serving(project) as agent:
        for number, name in enumerate(NAMES):
            answer = agent.post({"id": str(number), "name": name, "type": name})[1]
            agent.wait_for("ran", id=answer["id"])
        agent.stop()

    outside = [p for p in tmp_path.rglob("*") if p.is_file() and not p.is_relative_to(project)]
    assert outside == []
    assert all(p.parent == project / "out" for p in project.rglob("*escaped*"))


def test_t16_a_source_has_a_name_that_names_no_file_elsewhere(tmp_path):
    names = ["../../x", "a/b", "", ".", "..", "a b", "a\0b", "é" * 300]
    project = write_project(tmp_path / "p")
    config = project / "hookagent.toml"
    more = "".join(
        f'\n[sources.{json.dumps(name)}]\npath = "/{number}"\nscheme = "github"\nsecret = "auto"\n'
        for number, name in enumerate(names)
    )
    config.write_text(config.read_text() + more)

    done = run(project, "stats")

    assert done.returncode == 3
    assert done.stderr.count(b"error") >= len(names)
    assert [p for p in tmp_path.rglob("*") if p.is_file() and not p.is_relative_to(project)] == []
    secrets = project / ".hookagent" / "secrets"
    assert not secrets.exists() or list(secrets.iterdir()) == []


@pytest.mark.parametrize("what", ["store", "folder", "presence", "secret"])
def test_t16_a_link_in_the_way_is_not_followed(tmp_path, what):
    project = write_project(tmp_path / "p")
    target = tmp_path / "victim"
    target.write_text("mine\n")
    target.chmod(0o644)
    state = project / ".hookagent"
    state.mkdir(mode=0o700)
    if what == "folder":
        state.rmdir()
        (tmp_path / "elsewhere").mkdir(mode=0o755)
        state.symlink_to(tmp_path / "elsewhere")
    elif what == "store":
        (state / "hookagent.db").symlink_to(target)
    elif what == "presence":
        (state / "agent.new").symlink_to(target)
    else:
        (state / "secrets").mkdir(mode=0o700)
        (state / "secrets" / "shop").symlink_to(target)

    started = subprocess.Popen(
        [sys.executable, "-m", "hookagent", "serve", "--json", "--port", "0", "--no-inspector"],
        cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **OURS},
    )  # fmt: skip
    try:
        assert started.stdout is not None
        started.stdout.readline()
    finally:
        started.terminate()
        started.communicate(timeout=WAIT_S)

    assert target.read_text() == "mine\n"
    assert target.stat().st_mode & 0o777 == 0o644


HOSTILE = {
    "not a database": b"MZ" + os.urandom(4_096),
    "half a header": b"SQLite format 3\0",
    "nothing": b"",
    "a page of noise": b"SQLite format 3\0" + os.urandom(8_176),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_t16_a_hostile_store_is_refused_or_made_anew(tmp_path, name):
    project = write_project(tmp_path)
    (project / ".hookagent").mkdir(mode=0o700)
    (project / ".hookagent" / "hookagent.db").write_bytes(HOSTILE[name])
    (project / ".hookagent" / "hookagent.db").chmod(0o600)

    done = run(project, "inspect", "--json")

    assert done.returncode in {0, 5}
    assert b"Traceback" not in done.stderr


def test_t16_a_store_with_triggers_and_views_of_a_stranger_runs_none_of_them(tmp_path):
    project = write_project(tmp_path)
    with serving(project) as agent:
        agent.post({"id": "1"})
        agent.stop()
    file = project / ".hookagent" / "hookagent.db"
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE stolen (x)")
    database.execute(
        "CREATE TRIGGER evil AFTER INSERT ON events BEGIN"
        " INSERT INTO stolen VALUES (load_extension('/tmp/evil.so')); END"
    )
    database.commit()
    database.close()

    done = run(project, "inspect", "--json")

    assert done.returncode in {0, 5}
    assert b"Traceback" not in done.stderr
