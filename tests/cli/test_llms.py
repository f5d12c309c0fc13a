"""Pure: `docs/llms.txt` is what `hookagent spec` says; HOOKAGENT_WRITE_DOCS=1 writes it anew."""

import os
import re
from pathlib import Path

from hookagent.cli.llms import text
from hookagent.cli.spec import describe

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "llms.txt"


def test_the_page_is_what_the_spec_says():
    made = text(describe())
    if os.environ.get("HOOKAGENT_WRITE_DOCS"):
        PAGE.write_text(made, "utf-8")

    assert PAGE.read_text("utf-8") == made


def test_it_links_to_every_page_and_to_nothing_else():
    links = re.findall(r"\]\(([a-z-]+\.md)\)", PAGE.read_text("utf-8"))

    assert sorted(links) == sorted(page.name for page in DOCS.glob("*.md"))


def test_it_names_every_command_and_action():
    spec, page = describe(), PAGE.read_text("utf-8")

    assert all(f"`hookagent {command['name']}" in page for command in spec["commands"])
    assert all(f"\n- `{action['name']}`:" in page for action in spec["actions"])
