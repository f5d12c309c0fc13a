"""Pure: whose a run is from the start."""

import asyncio

import pytest

from hookagent.environment import Environment
from hookagent.event import Event, RawRequest
from hookagent.job import RunState
from hookagent.pipeline.atonce import AtOnce
from hookagent.pipeline.beginning import Beginning
from hookagent.pipeline.hands import Hands
from hookagent.pipeline.overtime import at_once
from hookagent.pipeline.rulebook import Bindings
from hookagent.rules.model import Rule, StepSpec
from hookagent.verdict import Code, Verdict

NOW = 1_800_000_000_000
LOG = (StepSpec(name="say", action="log", options={}),)
HTTP = (StepSpec(name="call", action="http", options={}),)


def event(n=1, at=NOW):
    return Event(
        id=f"evt_{n}",
        source="shop",
        request=RawRequest(received_at=at),
        verdict=Verdict(valid=True, scheme="none", code=Code.OK),
        payload={"k": 1},
    )


def rule(name="it", do=HTTP, **changes):
    return Rule(name=name, version=name, do=do, **changes)


def do(run, _event):
    """Play the execution."""
    run.state = RunState.DONE
    return lambda: None


@pytest.fixture
def make():
    async def never(_run, _event, _acted):
        await asyncio.Event().wait()

    def made(*rules, places=1, event_lease_ms=None):
        hands = Hands(places, never, ahead=0)
        beginning = Beginning(
            hands,
            AtOnce(do),
            Bindings(Environment({})),
            iter(range(100)).__next__,
            owner="w",
            run_lease_ms=60_000,
            event_lease_ms=event_lease_ms,
        )
        beginning.use(rules)
        return beginning, hands

    return made


def states(routed):
    return [str(run.state) for run in routed.runs]


def fired(one, *rules):
    return [(each, at_once(one)) for each in rules]


async def test_a_run_is_ours_where_there_is_a_place(make):
    first, second = rule("a"), rule("b")
    beginning, _ = make(first, second)
    one = event()

    routed = beginning.routed(one, fired(one, first, second), NOW)

    assert states(routed) == ["running", "pending"]
    assert (routed.runs[0].owner, routed.runs[0].lease_until) == ("w", NOW + 60_000)
    assert [version.rule for version in routed.versions] == ["a", "b"]
    assert (routed.event_id, routed.left_to_judge) == ("evt_1", ())


async def test_a_run_that_is_over_at_once_needs_no_place(make):
    quick = rule(do=LOG)
    beginning, hands = make(quick)

    for n in range(3):
        assert states(beginning.routed(event(n), fired(event(n), quick), NOW)) == ["done"]

    assert (hands.free, hands.held) == (1, [])


async def test_a_rule_without_actions_has_no_runs(make):
    idle = rule(do=())
    beginning, _ = make(idle)

    assert beginning.routed(event(), fired(event(), idle), NOW).runs == []


@pytest.mark.parametrize("steps", [LOG, HTTP])
async def test_a_run_for_another_event_is_anybodys(make, steps):
    one = rule(do=steps)
    beginning, _ = make(one)

    assert states(beginning.routed(event(2), fired(event(1), one), NOW)) == ["pending"]
    assert states(beginning.routed(None, fired(event(1), one), NOW)) == ["pending"]


@pytest.mark.parametrize("steps", [LOG, HTTP])
async def test_nothing_begins_while_the_worker_stops(make, steps):
    one = rule(do=steps)
    beginning, _ = make(one)
    beginning.is_stopping = True

    assert states(beginning.routed(event(), fired(event(), one), NOW)) == ["pending"]


async def test_the_store_says_whose_turn_it_is_where_runs_keep_an_order_or_a_shared_limit(make):
    limited = rule(concurrency=1)
    alone, hands = make(limited)
    assert states(alone.routed(event(), fired(event(), limited), NOW)) == ["running"]
    assert hands.told == frozenset()

    shared, hands = make(limited, event_lease_ms=10_000)
    assert states(shared.routed(event(), fired(event(), limited), NOW)) == ["pending"]
    assert hands.told == {"it"}


async def test_what_another_may_have_taken_by_now_is_not_done_before_its_commit(make):
    quick = rule(do=LOG)
    beginning, _ = make(quick, event_lease_ms=10_000)
    fresh, old = event(1, NOW - 9_999), event(2, NOW - 10_000)

    assert states(beginning.routed(fresh, fired(fresh, quick), NOW)) == ["done"]
    assert states(beginning.routed(old, fired(old, quick), NOW)) == ["running"]
