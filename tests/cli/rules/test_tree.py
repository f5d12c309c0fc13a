"""Explanations as lines."""

from hookagent.cli.rules.tree import lines
from hookagent.rules.explain import explain
from tests.rules.events import make_event, rule_of

RULE = """
enabled = false
expr = "b > 1"
when = { a = "x" }
any = [{ c = 1 }, { d = 1 }]
unless = [{ e = 1 }]
"""


def text_of(line):
    return "".join(part if isinstance(part, str) else part.text for part in line)


def test_groups_and_expressions_have_their_lines():
    shown = [
        text_of(line)
        for line in lines(explain(rule_of(RULE), make_event({"a": "y", "d": 1, "e": 1})))
    ]

    assert shown[0] == "r  does not match, 3 missed; it is not enabled  rules/test.toml:1"
    words = [
        line.replace("✓", "+").replace("✗", "-").replace("FAIL", "-").replace("ok", "+")
        for line in shown[1:]
    ]
    assert words == [
        "  + on every event",
        '  - a eq "x"  is "y"',
        '  - b > 1  is {"b":[]}  missing: b',
        "  - any 1 of 2: does not hold",
        "      - c eq 1  missing",
        "  + any 2 of 2: holds",
        "      + d eq 1  is 1",
        "  - unless: holds",
        "      + e eq 1  is 1",
    ]
