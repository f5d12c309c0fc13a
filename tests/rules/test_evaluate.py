"""The edge cases of the language, read from docs/rules.md, and the order rules are looked at."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from hookagent.rules.evaluate import followers, matches, select
from hookagent.verdict import Code, Integrity, Verdict
from tests.rules.events import make_event, rule_of, rule_when, rules_of

DOCS = Path(__file__).parents[2] / "docs" / "rules.md"
ROW = re.compile(r"^\| `(.*)` \| `(.*)` \| (yes|no) \|(.*)\|$")


def rows(header):
    """Return condition, payload and answer of every table below such a header."""
    found = []
    current = ""
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if line.startswith(("| when ", "| expr ")):
            current = line
        row = ROW.match(line)
        if row and current == header:
            found.append((row[1].replace("\\|", "|"), json.loads(row[2]), row[3] == "yes"))
        elif not line.startswith("|"):
            current = ""
    return found


CONDITIONS = rows("| when | payload | holds | because |")
EXPRESSIONS = rows("| expr | payload | holds | because |")


def test_the_documentation_has_its_tables():
    assert len(CONDITIONS) > 150
    assert len(EXPRESSIONS) > 20


@pytest.mark.parametrize(("condition", "payload", "holds"), CONDITIONS)
def test_a_documented_condition(condition, payload, holds):
    assert matches(rule_when(condition), make_event(payload)) is holds


@pytest.mark.parametrize(("expression", "payload", "holds"), EXPRESSIONS)
def test_a_documented_expression(expression, payload, holds):
    rule = rule_of(f"expr = {json.dumps(expression)}")

    assert matches(rule, make_event(payload)) is holds


@pytest.mark.parametrize(
    ("on", "takes"),
    [
        ('"github/push"', True),
        ('"github"', True),
        ('"*/push"', True),
        ('"git*/p?sh"', True),
        ('["stripe", "github/*"]', True),
        ('"github/pull_request"', False),
        ('"push"', False),
        ('"github/pushed"', False),
    ],
)
def test_on_takes_source_and_type(on, takes):
    assert matches(rule_of(f"on = {on}"), make_event({})) is takes


def test_a_source_alone_takes_events_without_a_type():
    assert matches(rule_of('on = "github"'), make_event({}, type=""))


GROUPS = """
[rule.r.when]
a = 1
[[rule.r.any]]
b = 1
c = 1
[[rule.r.any]]
d = 1
[[rule.r.unless]]
e = 1
[[rule.r.unless]]
f = 1
g = 1
"""


@pytest.mark.parametrize(
    ("payload", "fires"),
    [
        ({"a": 1}, False),
        ({"a": 1, "b": 1}, False),
        ({"a": 1, "b": 1, "c": 1}, True),
        ({"a": 1, "d": 1}, True),
        ({"d": 1}, False),
        ({"a": 1, "d": 1, "e": 1}, False),
        ({"a": 1, "d": 1, "f": 1}, True),
        ({"a": 1, "d": 1, "f": 1, "g": 1}, False),
    ],
)
def test_all_of_when_one_of_any_and_none_of_unless(payload, fires):
    assert matches(rule_of(GROUPS), make_event(payload)) is fires


def named(text, payload=None, **keys):
    return [rule.name for rule in select(rules_of(text), make_event(payload or {}, **keys))]


def rule(name, keys=""):
    return f'[rule.{name}]\n{keys}\ndo = [{{ action = "log" }}]\n'


def test_higher_priority_comes_first_and_then_the_place_in_the_file():
    text = rule("a") + rule("b", "priority = 5") + rule("c") + rule("d", "priority = -1")

    assert named(text) == ["b", "a", "c", "d"]


def test_stop_ends_the_search_when_its_rule_matches():
    text = rule("a") + rule("b", "stop = true\nwhen = { x = 1 }") + rule("c")

    assert named(text, {"x": 1}) == ["a", "b"]
    assert named(text, {"x": 2}) == ["a", "c"]


def test_a_disabled_rule_neither_fires_nor_stops():
    assert named(rule("a", "enabled = false\nstop = true") + rule("b")) == ["b"]


def test_a_fallback_fires_only_when_nothing_else_did():
    text = rule("f", "fallback = true\npriority = 9") + rule("a", "when = { x = 1 }")

    assert named(text, {"x": 1}) == ["a"]
    assert named(text, {"x": 2}) == ["f"]


def test_during_goes_by_the_time_of_arrival():
    text = """
    [calendar.office]
    tz = "Europe/Berlin"
    days = ["mon-fri"]
    hours = ["08:00-18:00"]
    [rule.r]
    during = "office"
    do = [{ action = "log" }]
    """
    friday, saturday = make_event({}).received_at - 86_400_000, make_event({}).received_at

    assert named(text, at=friday) == ["r"]
    assert named(text, at=saturday) == []


def test_the_second_half_of_a_sequence_is_looked_for_apart():
    text = """
    [rule.paid]
    on = "shop/paid"
    sequence = { within = "1h", by = ["order"], then = { on = "shop/shipped", when = { ok = true } } }
    do = [{ action = "log" }]
    """
    rules = rules_of(text)
    shipped = make_event({"ok": True}, source="shop", type="shipped")

    assert select(rules, shipped) == []
    assert [rule.name for rule in followers(rules, shipped)] == ["paid"]
    assert followers(rules, make_event({"ok": 1}, source="shop", type="shipped")) == []


def test_shared_conditions_are_used_by_name():
    text = """
    [condition.bot]
    login = { suffix = "[bot]" }
    [condition.big]
    size = { gt = 10 }
    [rule.a]
    use = ["bot", "big"]
    do = [{ action = "log" }]
    [rule.b]
    unless = ["bot", { size = 1 }]
    do = [{ action = "log" }]
    """

    assert named(text, {"login": "x[bot]", "size": 11}) == ["a"]
    assert named(text, {"login": "x", "size": 11}) == ["b"]
    assert named(text, {"login": "x", "size": 1}) == []


@pytest.mark.parametrize("level", Integrity)
def test_a_rule_may_ask_how_much_of_the_delivery_was_signed(level):
    event = make_event({"a": 1})
    verdict = Verdict(valid=True, scheme="s", code=Code.OK, integrity=level)
    judged = msgspec.structs.replace(event, verdict=verdict)

    assert matches(rule_when('"@integrity" = "body-signed"'), judged) == (level is Integrity.BODY)
    assert matches(rule_when('"@integrity" = { not = ["none", "token"] }'), judged) == (
        level in {Integrity.BODY, Integrity.ORIGIN}
    )
