"""docs/workbench.md lists what there is: chaos, formats, keys, and only commands that exist."""

import re
from pathlib import Path

from hookagent.cli.main import COMMANDS
from hookagent.cli.tui_text import KEYS
from hookagent.pipeline.captures import FORMATS
from hookagent.pipeline.chaos import parse_chaos

TEXT = (Path(__file__).parents[2] / "docs" / "workbench.md").read_text("utf-8")


def section(title):
    return TEXT.partition(f"# {title}\n")[2].partition("\n## ")[0]


def firsts(title):
    """Return what the rows of a section's table begin with."""
    return re.findall(r"^\| `([^`]+)`", section(title), re.MULTILINE)


def test_every_kind_of_chaos_is_a_word_that_is_read():
    words = firsts("Chaos")

    assert [word.partition("=")[0] for word in words] == [
        "dup", "retry", "reorder", "delay", "stale", "tamper", "truncate", "slow",
    ]  # fmt: skip
    assert parse_chaos(",".join(words)).dup == 3


def test_every_format_is_listed():
    assert firsts("import and export") == list(FORMATS)


def test_every_key_is_listed():
    listed = re.findall(r"^\| (`[^|]*`) \|", section("The full-screen view"), re.MULTILINE)

    assert [keys.replace("`", "") for keys in listed] == [keys for keys, _ in KEYS]


def test_every_command_exists():
    assert set(re.findall(r"hookagent ([a-z]+)", TEXT)) <= set(COMMANDS)
