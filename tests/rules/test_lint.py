"""What is valid but hardly meant."""

import pytest

from hookagent.rules.lint import CODES, Known, lint
from hookagent.rules.observed import observe
from hookagent.verdict import Integrity
from tests.rules.events import make_event, rules_of

SIGNED = Known(sources={"github": Integrity.BODY, "open": Integrity.NONE, "shop": Integrity.TOKEN})


def rule(name, text="", do='{ action = "log", n = 1 }'):
    return f"[rule.{name}]\n{text}\ndo = [{do}]\n"


def codes(text, known=None):
    return [(problem.code, problem.line) for problem in lint(rules_of(text), known)]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("stop = true", "", True),
        ("", "", False),
        ("stop = true\npriority = -1", "", False),
        ("stop = true\nwhen = { a = 1 }", "when = { a = 1, b = 1 }", True),
        ("stop = true\nwhen = { a = 1 }", "when = { b = 1 }", False),
        ("stop = true\non = 'github/*'", "on = 'github/push'", True),
        ("stop = true\non = 'github'", "", False),
        ("stop = true\non = 'github/p*'", "on = 'github/*'", False),
        ("stop = true\nunless = [{ a = 1 }]", "", False),
        ("stop = true\nunless = [{ a = 1 }]", "unless = [{ b = 1 }, { a = 1 }]", True),
        ("stop = true\nany = [{ a = 1 }]", "", False),
        ("stop = true\nenabled = false", "", False),
        ("stop = true\nfallback = true", "", False),
    ],
)
def test_a_rule_behind_a_wider_one_that_stops(first, second, found):
    text = rule("a", first) + rule("b", second, '{ action = "log", n = 2 }')

    assert any(code == "shadowed-rule" for code, _ in codes(text)) is found


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ("when = { a = { exists = false, eq = 1 } }", True),
        ("when = { a = { exists = false } }", False),
        ("when = { a = { null = true } }\nany = [{ a = { null = false } }]", True),
        ("when = { a = { eq = 'x', not = 'x' } }", True),
        ("when = { a = { eq = 'x', not = ['y', 'x'] } }", True),
        ("when = { a = { in = ['x', 'z'], not = ['y', 'x'] } }", False),
        ("when = { a = 1 }\nunless = [{ a = 1 }]", True),
        ("when = { a = 1 }\nunless = [{ a = 1, b = 1 }]", False),
        ("when = { a = { prefix = 'x', not = { prefix = 'x' } } }", True),
    ],
)
def test_conditions_that_exclude_each_other(conditions, found):
    assert any(code == "cannot-match" for code, _ in codes(rule("r", conditions))) is found


def test_two_rules_that_do_the_same_for_the_same():
    same = rule("a", "when = { x = 1 }") + rule("b", "when = { x = 1.0 }")
    other = rule("a", "when = { x = 1 }") + rule("b", "when = { x = 2 }")

    assert codes(same) == [("same-action", 6)]
    assert codes(other) == []


def test_a_source_that_is_not_configured_is_named():
    problem = lint(rules_of(rule("r", "on = 'githb/push'")), SIGNED)[0]

    assert (problem.code, problem.line, problem.hint) == (
        "unknown-source",
        1,
        "did you mean `github`?",
    )


def test_a_field_that_no_event_had_is_named_with_the_nearest():
    events = observe([make_event({"issue": {"title": "x", "labels": [{"name": "y"}]}})] * 3)
    known = Known(observed=events)
    text = rule(
        "r",
        'on = "github"\nwhen = { "issue.tittle" = 1, "issue.labels[0].name" = 1, "issue.x" = { exists = false } }',
    )

    (problem,) = lint(rules_of(text), known)

    assert problem.code == "unseen-field"
    assert problem.message == "`issue.tittle` was in none of 3 events of the past"
    assert (problem.line, problem.hint) == (3, "did you mean `issue.title`?")
    assert codes(rule("r", "on = 'github/other'\nwhen = { zz = 1 }"), known) == [
        ("unhandled-type", None),
    ]


def test_what_the_signature_does_not_cover_is_named():
    text = rule("r", 'on = "github"\nwhen = { a = 1 }\nunless = [{ "@headers.x" = "1" }]')

    assert codes(text, SIGNED) == [("unsigned-field", 4)]
    assert codes(rule("r", 'on = "shop"\nwhen = { "@query.x" = "1" }'), SIGNED) == []
    origin = Known(sources={"github": Integrity.ORIGIN})
    assert codes(rule("r", "when = { a = 1 }"), origin) == [("unsigned-field", 2)]


def test_a_command_that_anybody_can_run_is_named():
    do = '{ action = "log" }, { action = "exec" }'

    assert codes(rule("r", "", do), SIGNED) == [("unverified-command", 3)]
    assert codes(rule("r", "on = 'github'", do), SIGNED) == []


def test_an_agent_that_would_refuse_a_source_is_named():
    known = Known(sources={"shop": Integrity.TOKEN, "github": Integrity.BODY})

    assert codes(rule("r", "", '{ action = "agent" }'), known) == [("unsigned-agent", 3)]
    assert codes(rule("r", "on = 'github'", '{ action = "agent" }'), known) == []
    allowed = '{ action = "agent", allow_unverified = true }'
    assert codes(rule("r", "", allowed), known) == []


def test_a_step_that_acts_on_a_free_answer_is_named():
    later = '{ action = "http", url = "https://x.test/{{ steps.agent.output.text }}" }'

    assert codes(rule("r", "", '{ action = "agent" }, ' + later)) == [("unchecked-answer", 3)]
    for agent in ('{ action = "agent", schema = {} }', '{ action = "agent", approve = "always" }'):
        assert codes(rule("r", "", f"{agent}, {later}")) == []
    kept = '{ action = "agent" }, { action = "log", text = "{{ steps.agent.output.text }}" }'
    assert codes(rule("r", "", kept)) == []


def test_events_that_nothing_looks_at_are_named():
    known = Known(observed=observe([make_event({}), make_event({}, type="")]))

    messages = [it.message for it in lint(rules_of(rule("r", "on = 'shop'")), known)]

    assert messages == [
        "1 events `github/push` arrived and no rule looks at them",
        "1 events `github` arrived and no rule looks at them",
    ]


def test_a_comment_with_a_reason_silences_a_code_for_its_rule():
    text = rule("a", "stop = true") + "# hookagent: ignore shadowed-rule kept for later\n"
    second = rule("b", "", '{ action = "log", n = 2 }')

    assert codes(text + second) == []
    assert codes(rule("a", "stop = true") + second) == [("shadowed-rule", 4)]


def test_every_code_is_documented():
    from tests.rules.test_operators import DOCS

    for code in CODES:
        assert f"| `{code}` |" in DOCS


def test_the_shape_of_past_events_has_an_end(monkeypatch):
    from hookagent.rules import observed

    monkeypatch.setattr(observed, "PATHS_MAX", 3)

    (kind,) = observe([make_event({str(n): n for n in range(9)})]).values()

    assert kind.is_full
    assert len(kind.paths) == 3
