"""What rules would have done, and what two versions of them do differently."""

from hookagent.rules.backtest import backtest, compare
from tests.rules.events import NOON, make_event, rules_of


def history(*payloads):
    return [
        make_event(payload, at=NOON + n * 60_000, id=f"e{n}") for n, payload in enumerate(payloads)
    ]


OLD = """
[rule.a]
when = { x = { gt = 1 } }
do = [{ action = "log", message = "old" }]
[rule.b]
do = [{ action = "log" }]
when = { y = 1 }
[rule.off]
enabled = false
do = [{ action = "log" }]
"""
NEW = OLD.replace("gt = 1", "gt = 2").replace('"old"', '"new"').replace("[rule.b]", "[rule.c]")
EVENTS = history({"x": 1}, {"x": 2}, {"x": 3}, {"y": 1})


def would(rule, event, facts):
    return [step.options | {"x": event.payload.get("x"), "facts": facts} for step in rule.do]


def test_a_backtest_counts_and_keeps_what_fired():
    report = backtest(rules_of(OLD), EVENTS, would=would)

    assert (report.events, report.unmatched) == (4, 1)
    assert [(it.rule, it.fired, it.matched) for it in report.rules] == [("a", 2, 2), ("b", 1, 1)]
    assert [(act.event, act.would[0]["x"]) for act in report.rules[0].acts] == [
        ("e1", 2),
        ("e2", 3),
    ]


def test_rules_over_time_go_by_the_events_own_clock():
    rules = rules_of(
        """
        [rule.w]
        window = { count = 2, within = "90s" }
        do = [{ action = "log" }]
        [rule.d]
        debounce = { quiet = "30s" }
        do = [{ action = "log" }]
        """,
    )

    report = backtest(rules, history(1, 2, 3))

    assert [(it.rule, it.fired, it.matched) for it in report.rules] == [("w", 1, 3), ("d", 2, 3)]
    assert report.rules[1].acts[0].at == NOON + 30_000


def test_two_versions_are_compared_event_by_event():
    comparison = compare(rules_of(OLD), rules_of(NEW), EVENTS, would=would)

    assert comparison.events == 4
    assert [(it.event, it.rule, it.kind) for it in comparison.changes] == [
        ("e1", "a", "silent"),
        ("e2", "a", "acts"),
        ("e3", "b", "silent"),
        ("e3", "c", "fires"),
    ]
    assert comparison.changes[1].old[0]["message"] == "old"
    assert comparison.counts == {
        "a": {"silent": 1, "acts": 1},
        "b": {"silent": 1},
        "c": {"fires": 1},
    }


def test_without_knowing_the_actions_a_change_of_words_is_a_change():
    comparison = compare(rules_of(OLD), rules_of(OLD.replace('"old"', '"new"')), EVENTS)

    assert [it.kind for it in comparison.changes] == ["acts", "acts"]


def test_the_same_rules_do_not_differ():
    assert compare(rules_of(OLD), rules_of("\n" + OLD), EVENTS).changes == []
