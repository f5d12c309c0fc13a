"""House: what the README shows is true: its commands run, its files are valid, its links lead somewhere."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from hookagent.cli.main import COMMANDS
from hookagent.rules.parse import read_rules
from tests.whole.served import lines, run, serving

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_command_it_names_exists():
    blocks_of_commands = [
        line for block in blocks("sh") + blocks("console") for line in block.splitlines()
    ]
    spans = re.findall(r"`([^`\n]+)`", README) + blocks_of_commands
    named = {
        match.group(1)
        for span in spans
        if (match := re.match(r"(?:\$ )?hookagent ([a-z]+)\b", span))
    }

    assert named
    assert named <= set(COMMANDS)


def test_every_link_leads_to_a_file():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_its_rule_and_its_source_are_valid():
    source, rule = blocks("toml")

    assert "github" in tomllib.loads(source)["sources"]
    assert len(read_rules([("rules/release.toml", rule)]).rules) == 1


def test_its_first_session_runs_as_shown(tmp_path):
    for name in ("hookagent.toml", "rules"):
        (tmp_path / name).symlink_to(ROOT / name)
    commands = [
        line
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("hookagent sign --source")
    ]
    assert len(commands) == 2

    nobody = {"PURCHASING_URL": "http://127.0.0.1:1/"}
    with serving(tmp_path, "--port", "0", environ=nobody) as agent:
        for command in commands:
            done = run(tmp_path, *shlex.split(command)[1:])
            assert done.returncode == 0, done.stderr
        agent.wait_for("ran", rule="urgent-ticket", state="done")
        agent.wait_for("ran", rule="reorder", state="waiting")
        agent.stop()

    assert {one["source"] for one in lines(run(tmp_path, "inspect", "--json"))} == {
        "support",
        "inventory",
    }


@pytest.mark.parametrize(
    "path", sorted((ROOT / "rules").glob("*.toml")), ids=lambda path: path.name
)
def test_every_rule_of_the_repository_passes_its_own_tests(path, tmp_path):
    done = run(ROOT, "rules", "test", "--rules", str(path))

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_makefile_has_the_two_commands():
    makefile = (ROOT / "Makefile").read_text()

    assert re.search(r"^serve:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)
