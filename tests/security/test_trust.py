"""Whole: a project that came along with a clone starts nothing before its user said so (C4)."""

import json
import os
import subprocess
import sys

import pytest

from tests.whole.served import OURS, lines, run, serving, write_project

RULES = f"""
[rule.runs]
[[rule.runs.do]]
action = "exec"
command = [{json.dumps(sys.executable)}, "-c", "open('ran', 'a').write('x')"]
"""


@pytest.fixture
def stranger(tmp_path):
    """Give the environment of a user who has allowed nothing."""
    return {"HOOKAGENT_TRUST": "", "XDG_CONFIG_HOME": str(tmp_path / "user")}


def command(folder, environ, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "hookagent", *arguments],
        cwd=folder, capture_output=True, timeout=60, check=False,
        env={**os.environ, **OURS, **environ},
    )  # fmt: skip


def test_serve_refuses_commands_nobody_allowed_and_says_what_to_do(tmp_path, stranger):
    project = write_project(tmp_path / "clone", rules=RULES)

    refused = command(project, stranger, "serve", "--port", "0", "--no-inspector")

    assert refused.returncode == 3
    said = refused.stderr.decode()
    assert "rules/test.toml:3" in said
    assert "`runs` would start" in said
    assert "hookagent trust" in said
    assert not (project / ".hookagent" / "hookagent.db").exists()


def test_an_env_file_of_the_project_cannot_speak_for_the_user(tmp_path, stranger):
    project = write_project(tmp_path / "clone", rules=RULES)
    (project / ".env").write_text("HOOKAGENT_TRUST=all\n")

    assert command(project, stranger, "serve", "--port", "0").returncode == 3


def test_what_was_allowed_runs_and_a_new_command_waits_for_its_own_word(tmp_path, stranger):
    project = write_project(tmp_path / "clone", rules=RULES)
    file = project / "rules" / "test.toml"

    said = command(project, stranger, "trust")
    with serving(project, environ=stranger) as agent:
        agent.post({"id": "1"})
        agent.wait_for("ran", state="done")
        file.write_text(RULES.replace("'x'", "'y'"))
        kept = agent.wait_for("rules", kept=True)
        agent.seen.clear()
        command(project, stranger, "trust")
        agent.wait_for("rules", kept=False, loaded=1)
        agent.post({"id": "2"})
        agent.wait_for("ran", state="done")
        agent.stop()

    assert b"may start: " in said.stderr
    assert "not allowed" in kept["problems"][0]
    assert (project / "ran").read_text() == "xy"


def test_a_dry_run_starts_nothing_and_needs_no_word(tmp_path, stranger):
    project = write_project(tmp_path / "clone", rules=RULES)

    with serving(project, "--dry-run", environ=stranger) as agent:
        agent.post({"id": "1"})
        ran = agent.wait_for("ran")
        agent.stop()

    assert ran["dry"]
    assert not (project / "ran").exists()


def test_a_store_that_came_along_starts_nothing(tmp_path, stranger):
    project = write_project(tmp_path / "clone", rules=RULES.replace("ran", "nowhere/ran"))
    retried = RULES.replace("ran'", "nowhere/ran'") + (
        'retry = { attempts = 9, first_delay = "1s", max_delay = "1s" }\n'
    )
    (project / "rules" / "test.toml").write_text(retried)
    with serving(project) as agent:
        agent.post({"id": "1"})
        agent.wait_for("ran", state="waiting")
        agent.kill()
    (project / "nowhere").mkdir()
    (project / "rules" / "test.toml").unlink()

    with serving(project, environ=stranger) as agent:
        ran = agent.wait_for("ran")
        agent.stop()

    assert ran["state"] == "dead"
    assert not list((project / "nowhere").iterdir())
    (dead,) = lines(run(project, "dead", "--json"))
    assert "not allowed" in dead["reason"]
