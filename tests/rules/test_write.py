"""Rules written from an event read back, and their own test passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.lookup import PathError
from hookagent.rules.evaluate import matches
from hookagent.rules.parse import read_rules
from hookagent.rules.shown import paths
from hookagent.rules.testing import run_tests
from hookagent.rules.write import Draft, rule_from_event, rule_name, rule_text
from tests.rules.events import make_event
from tests.rules.generated import documents


def read(text):
    return read_rules([("rules/new.toml", text)])


PAYLOAD = {
    "action": "opened",
    "number": 7,
    "draft": False,
    "labels": [{"name": "a"}, {"name": "b"}],
    "closed_at": None,
    "head": {"ref": "x.y"},
    "weird key": {"a.b": 1},
}
FIELDS = [
    "action",
    "number",
    "draft",
    "labels.name",
    "closed_at",
    "head",
    "['weird key']['a.b']",
    "@headers.x-test",
    "@query.tag",
    "@method",
]


def test_a_rule_asks_for_what_the_event_has_and_its_test_passes():
    event = make_event(PAYLOAD)

    rules = read(rule_from_event(event, FIELDS, name="new"))

    assert matches(rules.rules[0], event)
    assert [result.problems for result in run_tests(rules)] == [[]]
    assert [str(pattern) for pattern in rules.rules[0].on] == ["github/push"]


def test_other_fields_are_named_in_comments():
    text = rule_from_event(make_event(PAYLOAD), ["action"], name="new")

    assert "#   number = 7" in text
    assert '#   "head.ref" = "x.y"' in text
    assert "#   action" not in text


def test_a_field_the_event_does_not_have_is_refused():
    with pytest.raises(PathError, match="has no `acton`"):
        rule_from_event(make_event(PAYLOAD), ["acton"], name="new")


@given(documents, st.data())
def test_any_event_gives_a_rule_that_matches_it(payload, data):
    event = make_event(payload)
    known = list(paths(payload))
    fields = data.draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []

    rules = read(rule_from_event(event, fields, name="new"))

    assert matches(rules.rules[0], event)
    assert [result.problems for result in run_tests(rules)] == [[]]


def test_a_large_payload_is_cut_to_the_fields_of_the_rule():
    event = make_event({"a": {"b": [{"c": 1, "d": 2}]}, "big": "x" * 5_000, "n": None})

    rules = read(rule_from_event(event, ["a.b.c"], name="new"))

    assert rules.rules[0].tests[0].payload == {"a": {"b": [{"c": 1}]}}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("github/pull_request.opened", "github-pull_request.opened"),
        ("ä b", "b"),
        ("--", "rule"),
        ("", "rule"),
        ("..x", "x"),
    ],
)
def test_any_text_gives_a_name(text, name):
    assert rule_name(text) == name


def test_every_part_of_a_draft_is_written():
    draft = Draft(
        name="r",
        about='said "so"',
        on=["a", "b"],
        when={"a.b": {"not": ["x"]}},
        any=[{"c": 1}, {"d": 2}],
        unless=[{"e": 1}],
        expr=["a > 1"],
        do=[{"action": "log", "text": "{{ a }}"}],
        comments=["one\ntwo"],
        keys={"priority": 5},
    )

    rule = read(rule_text(draft)).rules[0]

    assert (rule.about, rule.priority, len(rule.on), len(rule.any), len(rule.unless)) == (
        'said "so"',
        5,
        2,
        2,
        1,
    )
    assert [it.predicate.op for it in rule.when] == ["not", "expr"]
    assert rule_text(draft).startswith("# one\n# two\n[rule.r]")
