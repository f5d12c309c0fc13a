"""docs/cli.md says what the command line does; docs/agents.md what the two agents need."""

import re
from pathlib import Path

from hookagent.cli.checks import machine, outside, project
from hookagent.cli.main import COMMANDS
from hookagent.errors import ExitCode

DOCS = Path(__file__).parents[2] / "docs"
CLI = (DOCS / "cli.md").read_text("utf-8")


def test_every_command_is_listed():
    assert re.findall(r"^\| `hookagent (\w+)` \|", CLI, re.MULTILINE) == list(COMMANDS)


def test_every_exit_code_is_listed():
    section = CLI.partition("## Exit codes")[2].partition("\n## ")[0]

    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == list(
        ExitCode
    )


def test_every_check_of_the_doctor_is_listed():
    section = CLI.partition("## doctor")[2].partition("\n## ")[0]
    listed = set(re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE))
    made = set()
    for module in (machine, project, outside):
        text = Path(str(module.__file__)).read_text("utf-8")
        made |= set(re.findall(r"(?:good|warning|failed)\(\s*\"([\w-]+)\"", text))
        made |= set(re.findall(r"check = \"([\w-]+)\"", text))

    assert listed == made


def test_the_purchasing_system_of_the_agents_is_python():
    text = (DOCS / "agents.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)

    compile(program, "docs/agents.md", "exec")
    assert "8790" in program
    assert "8790" in (DOCS.parent / "rules" / "inventory.toml").read_text("utf-8")
