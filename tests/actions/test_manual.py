"""Pure: `docs/actions.md` is what the declarations say; HOOKAGENT_WRITE_DOCS=1 writes it anew."""

import os
from pathlib import Path

import pytest

from hookagent.actions import registry
from hookagent.actions.manual import _SINKS, manual
from hookagent.errors import Problem
from hookagent.located import Table, parse
from hookagent.template import FILTERS, Sink

PAGE = Path(__file__).parents[2] / "docs" / "actions.md"


def test_the_page_is_what_the_declarations_say():
    if os.environ.get("HOOKAGENT_WRITE_DOCS"):
        PAGE.write_text(manual(), "utf-8")

    assert PAGE.read_text("utf-8") == manual()


def test_the_page_names_every_action_filter_and_sink():
    page = manual()

    assert all(f"\n## {name}\n" in page for name in registry.BUILT_IN)
    assert all(f"| `{name}" in page for name in FILTERS)
    assert set(_SINKS) == set(Sink)


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_action_has_an_example_without_a_problem_and_says_what_it_leaves(name):
    action = registry.load(name)
    problems: list[Problem] = []
    table = Table.root(parse(action.example, "example.toml"), problems)  # type: ignore[attr-defined]  # ours have one

    assert table.text("action") == name
    registry.check_step(name, table)

    assert problems == []
    assert action.leaves  # type: ignore[attr-defined]  # ours have one
