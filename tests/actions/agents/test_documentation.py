"""Pure: every rule in docs/agents-mcp.md is one, and its own test case passes."""

import re
from pathlib import Path

import pytest

from hookagent.actions import registry
from hookagent.rules.parse import read_rules
from hookagent.rules.testing import run_tests

DOCS = (Path(__file__).parents[3] / "docs" / "agents-mcp.md").read_text("utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
AGENT = '[[do]]\naction = "agent"\nmodel = "m"\nprompt = "p"\n'


def whole(block):
    """Complete a part of a rule to one."""
    if "[[do]]" in block:
        return block
    return AGENT + block


@pytest.mark.parametrize("block", BLOCKS)
def test_every_rule_in_the_page_is_one(block):
    ruleset = read_rules([("page.toml", whole(block))], check_step=registry.check_step)

    assert len(ruleset.rules) == 1
    assert all(result.passed for result in run_tests(ruleset))


def test_the_page_has_the_rules_it_had():
    assert len(BLOCKS) == 5
    assert "[[test]]" in BLOCKS[0]
