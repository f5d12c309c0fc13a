"""Comments that silence a lint code for one rule."""

import pytest

from hookagent.errors import ConfigError
from hookagent.rules.parse import read_rules
from tests.rules.events import rules_of

TEXT = """
[rule.a]
do = [{ action = "log" }]

# hookagent: ignore shadowed-rule kept for the audit
# and another comment
[rule.b]
when = { x = 1 } # hookagent: ignore unseen-field: it comes with the next version
[[rule.b.do]]
action = "log" # hookagent: ignore same-action both are wanted

[rule.c]
do = [{ action = "log" }]
"""


def test_they_stand_above_a_rule_or_in_it():
    a, b, c = rules_of(TEXT).rules

    assert b.ignores == {
        "shadowed-rule": "kept for the audit",
        "unseen-field": "it comes with the next version",
        "same-action": "both are wanted",
    }
    assert a.ignores == {}
    assert c.ignores == {}


def test_a_file_that_is_one_rule_has_them_anywhere():
    rules = read_rules([("r.toml", "# hookagent: ignore x y\ndo = [{ action = 'log' }]")])

    assert rules.rules[0].ignores == {"x": "y"}


def test_a_reason_is_asked_for():
    with pytest.raises(ConfigError, match="needs a reason"):
        rules_of("# hookagent: ignore x\n[rule.r]\ndo = [{ action = 'log' }]")


def test_a_quoted_name_and_what_is_no_rule():
    text = """
[rule."a.b"]
do = [{ action = "log" }]
[[rule."a.b".test]]
payload = 1 # hookagent: ignore one here
# hookagent: ignore two not a rule's

[condition.c] # hookagent: ignore three nor this
x = 1
"""

    assert rules_of(text).rules[0].ignores == {"one": "here", "two": "not a rule's"}
