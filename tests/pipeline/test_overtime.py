"""Adapter: conditions over time in the worker's hands: judged, kept, taken back, looked at again."""

import pytest

from hookagent.event import Event, RawRequest
from hookagent.pipeline.overtime import Overtime
from hookagent.rules.evaluate import followers, select
from hookagent.rules.parse import read_rules
from hookagent.store.base import Routed
from hookagent.verdict import Code, Verdict
from tests.pipeline.conftest import NOW

VERDICT = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)
DO = '\n[[rule.it.do]]\naction = "log"\ntext = "x"\n'


def ruleset(text):
    return read_rules([("r.toml", text + DO)])


def event(number, at, **payload):
    return Event(
        id=f"evt_{number:024x}",
        source="s",
        type=payload.pop("type", "t"),
        request=RawRequest(received_at=at),
        verdict=VERDICT,
        payload=payload,
    )


def overtime(store, rules):
    made = Overtime(store)
    made.use(rules, lambda one: followers(rules, one))
    return made


def judge(made, rules, one):
    return [(rule.name, firing.event_id) for rule, firing in made.judge(one, select(rules, one))]


async def test_a_rule_of_one_event_fires_at_once_and_keeps_nothing(store):
    rules = ruleset("[rule.it]\nwhen = { a = 1 }")
    made = overtime(store, rules)

    assert judge(made, rules, event(1, NOW, a=1)) == [("it", "evt_" + "0" * 23 + "1")]
    assert made.writes() == []


async def test_what_a_failed_commit_judged_is_judged_again_the_same(store):
    rules = ruleset('[rule.it]\nwindow = { count = 2, within = "1m" }')
    made = overtime(store, rules)
    judge(made, rules, event(1, NOW))
    made.commit()

    first = judge(made, rules, event(2, NOW + 1))
    made.roll_back()
    again = judge(made, rules, event(2, NOW + 1))

    assert first == again != []


async def test_memory_survives_a_restart_through_the_store(store):
    rules = ruleset('[rule.it]\nwindow = { count = 2, within = "1m" }')
    before = overtime(store, rules)
    judge(before, rules, event(1, NOW))
    await store.route("w", [Routed(event_id="", states=before.writes())])

    after = overtime(store, rules)
    await after.load()

    assert judge(after, rules, event(2, NOW + 1)) != []


async def test_a_timer_fires_once_when_it_is_due_and_not_before(store):
    rules = ruleset('[rule.it]\ndebounce = { quiet = "10s" }')
    made = overtime(store, rules)
    for number in range(5):
        assert judge(made, rules, event(number, NOW + number * 1_000)) == []

    assert made.until(NOW + 13_999) == []
    (fired,) = made.until(NOW + 14_000)
    assert fired[1].event_id == "evt_" + "0" * 23 + "4"
    assert made.until(NOW + 60_000) == []
    assert made.next_due is None


async def test_an_event_first_lets_the_timers_before_it_speak(store):
    rules = ruleset(
        '[rule.it]\non = "s/begin"\nsequence = { within = "10s", by = ["k"], without = { on = "s/end" } }'
    )
    made = overtime(store, rules)
    judge(made, rules, event(1, NOW, type="begin", k="a"))
    judge(made, rules, event(2, NOW + 1, type="begin", k="b"))
    judge(made, rules, event(3, NOW + 2, type="end", k="b"))

    fired = judge(made, rules, event(4, NOW + 60_000, type="other"))

    assert fired == [("it", "evt_" + "0" * 23 + "1")]


async def test_memory_of_a_rule_that_is_gone_is_forgotten_when_due(store):
    rules = ruleset('[rule.it]\ndebounce = { quiet = "10s" }')
    made = overtime(store, rules)
    judge(made, rules, event(1, NOW))
    made.commit()
    made.use(ruleset("[rule.it]\nenabled = false"), lambda _: ())

    assert made.until(NOW + 60_000) == []
    assert [write.value for write in made.writes()] == [None]


@pytest.mark.parametrize("gap", [1_000, 500_000])
async def test_many_deadlines_put_off_leave_one_timer(store, gap):
    rules = ruleset('[rule.it]\ndebounce = { quiet = "10m" }')
    made = overtime(store, rules)
    for number in range(1_000):
        judge(made, rules, event(number, NOW + number * gap))
        made.commit()

    assert len(made._timers._heap) <= 2
