"""Runs in the making: places, the turn of those that wait, and what is given back."""

import asyncio
from collections.abc import Callable

import pytest

from hookagent.event import Event, RawRequest
from hookagent.job import OnInterrupt, RetryPolicy, RunState
from hookagent.pipeline.hands import Hands, may_wait
from hookagent.rules.model import Rule, StepSpec
from hookagent.store.base import Run
from hookagent.verdict import Code, Verdict

EVENT = Event(
    id="evt_1",
    source="shop",
    type="",
    key=b"1",
    request=RawRequest(),
    verdict=Verdict(valid=True, scheme="none", code=Code.OK),
)
PLAIN = Rule(name="plain")
LIMITED = Rule(name="limited", concurrency=1)
HELD = Rule(
    name="held",
    do=(
        StepSpec(
            name="a", action="http", options={}, retry=RetryPolicy(on_interrupt=OnInterrupt.HOLD)
        ),
    ),
)


class Stage:
    """Plays the execution: each run acts until it is told to end, then waits for its record."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.told: list[str] = []
        self.acts: dict[str, asyncio.Event] = {}
        self.records: dict[str, asyncio.Event] = {}

    async def execute(self, run: Run, _event: Event, acted: Callable[[], None]) -> None:
        self.began.append(run.id)
        self.acts[run.id], self.records[run.id] = asyncio.Event(), asyncio.Event()
        await self.acts[run.id].wait()
        run.state = RunState.DONE
        acted()
        await self.records[run.id].wait()
        self.told.append(run.id)


@pytest.fixture
def stage():
    return Stage()


def ours(name, rule="plain"):
    return Run(id=name, event_id="evt_1", rule=rule, state=RunState.RUNNING, owner="w")


async def settle():
    for _ in range(3):
        await asyncio.sleep(0)


def put(hands, name, rule=PLAIN):
    is_ours = hands.admit(name, rule)
    if is_ours:
        hands.begin(ours(name, rule.name), EVENT)
    return is_ours


async def test_more_runs_are_ours_than_may_act_and_they_act_in_turn(stage):
    hands = Hands(2, stage.execute, ahead=3)

    assert [put(hands, name) for name in "abcdef"] == [True] * 5 + [False]
    await settle()
    assert stage.began == ["a", "b"]
    assert set(hands.held) == set("abcde")

    stage.acts["b"].set()
    await settle()
    assert stage.began == ["a", "b", "c"]
    await hands.finish(0)
    await end(hands, stage)


async def test_a_place_is_left_when_the_action_ended_not_when_that_is_on_disk(stage):
    hands = Hands(1, stage.execute)
    put(hands, "a")
    put(hands, "b")
    await settle()

    stage.acts["a"].set()
    await settle()

    assert stage.began == ["a", "b"]
    assert "a" in hands  # its record is under way and its lease is still ours
    stage.records["a"].set()
    await settle()
    assert "a" not in hands
    assert hands.free == 0  # the place it left once is not left twice
    await end(hands, stage)


async def test_a_limited_rule_is_ours_only_with_a_place(stage):
    hands = Hands(8, stage.execute)

    assert put(hands, "a", LIMITED)
    assert not put(hands, "b", LIMITED)
    assert not hands.has_room_for(LIMITED)
    assert hands.full([LIMITED, PLAIN]) == ["limited"]
    await end(hands, stage)


async def test_a_claimed_run_of_a_limited_or_held_rule_waits_in_the_store_for_a_place(stage):
    hands = Hands(1, stage.execute, ahead=1)
    assert all(hands.has_room_for(rule) for rule in (PLAIN, LIMITED, HELD, None))

    put(hands, "a")  # while the store was asked
    assert [hands.has_room_for(rule) for rule in (PLAIN, LIMITED, HELD, None)] == [
        True, False, False, True,
    ]  # fmt: skip

    put(hands, "b")
    assert not any(hands.has_room_for(rule) for rule in (PLAIN, LIMITED, HELD, None))
    await end(hands, stage)


def test_a_rule_that_is_held_after_an_interruption_never_waits_as_ours():
    assert may_wait(PLAIN)
    assert not may_wait(LIMITED)
    assert not may_wait(HELD)


async def test_what_was_admitted_and_not_written_leaves_no_trace(stage):
    hands = Hands(1, stage.execute, ahead=1)
    admitted = [ours(name) for name in "abc" if hands.admit(name, PLAIN)]
    assert [run.id for run in admitted] == ["a", "b"]

    hands.release([*admitted, Run(id="c", event_id="evt_1", rule="plain")])

    assert (hands.free, hands.ahead) == (1, 1)


async def test_what_never_began_is_given_back_as_if_nobody_had_taken_it(stage):
    hands = Hands(1, stage.execute)
    for name in "ab":
        put(hands, name)
    claimed = ours("c")
    claimed.is_interrupted = True
    hands.take_up(claimed, EVENT)
    await settle()

    back = await hands.unbegun()

    assert [(run.id, run.state, run.owner, run.lease_until) for run in back] == [
        ("b", "pending", "", 0),
        ("c", "running", "w", 0),  # somebody has to judge what came of it
    ]
    left = await hands.park()
    assert [(run.id, run.state, run.lease_until) for run in left] == [("a", "running", 0)]
    assert stage.began == ["a"]


async def test_a_run_whose_step_waits_for_its_turn_is_given_back_too(stage):
    hands = Hands(2, stage.execute)
    put(hands, "a")
    put(hands, "b")
    await settle()

    back = await hands.unbegun(["b", "never-heard-of"])

    assert [(run.id, run.state, run.owner, run.lease_until) for run in back] == [
        ("b", "pending", "", 0)
    ]
    assert hands.held == ["a"]
    assert [run.id for run in await hands.park()] == ["a"]


async def test_after_a_stop_nothing_is_set_off_and_all_of_it_is_given_back(stage):
    hands = Hands(2, stage.execute)
    assert hands.admit("a", PLAIN)
    hands.close()

    hands.begin(ours("a"), EVENT)
    hands.take_up(ours("b"), EVENT)
    await settle()

    assert (stage.began, hands.free) == ([], 2)
    back = await hands.unbegun()
    assert [(run.id, run.state) for run in back] == [("a", "pending"), ("b", "pending")]


async def test_nobody_who_hurries_waits_for_what_acts(stage):
    hands = Hands(1, stage.execute)
    put(hands, "a")
    finishing = asyncio.ensure_future(hands.finish(grace_s=3600))
    await settle()
    assert not finishing.done()

    hands.hurry()
    await finishing

    assert hands.held == ["a"]
    await hands.park()


async def test_a_run_that_another_worker_took_over_is_dropped(stage):
    hands = Hands(1, stage.execute)
    put(hands, "a")
    put(hands, "b")
    await settle()

    hands.drop(["a", "b", "never-heard-of"])
    await settle()

    assert (hands.held, hands.free, stage.began) == ([], 1, ["a"])


async def test_a_run_whose_end_is_being_written_is_not_cut_off(stage):
    """Its lease is gone with the record, and who renews may hear of that before it does."""
    hands = Hands(1, stage.execute)
    put(hands, "a")
    await settle()
    stage.acts["a"].set()
    await settle()

    hands.drop(["a"])
    await settle()

    assert "a" in hands
    stage.records["a"].set()
    await settle()
    assert (hands.held, stage.told) == ([], ["a"])


async def test_of_slow_runs_few_are_taken_ahead_where_another_may_have_a_place(stage):
    hands = Hands(4, stage.execute, ahead=100, ahead_s=0.5)
    assert hands.ahead == 0  # how long they take is not known yet

    hands._note_stay(2.0)
    assert hands.ahead == 1
    for _ in range(200):
        hands._note_stay(0.1)
    assert 15 <= hands.ahead <= 20
    for _ in range(200):
        hands._note_stay(0.0)
    assert hands.ahead == 100
    for _ in range(200):
        hands._note_stay(60.0)
    assert hands.ahead == 0


async def test_how_long_runs_keep_their_place_is_noted(stage):
    hands = Hands(1, stage.execute, ahead=5, ahead_s=1_000.0)
    assert put(hands, "a")
    assert not put(hands, "b")
    await settle()
    stage.acts["a"].set()
    await settle()
    assert hands.ahead == 5
    await end(hands, stage)


async def test_a_bug_in_the_execution_is_told_and_leaves_its_place():
    async def execute(_run: Run, _event: Event, _acted: Callable[[], None]) -> None:
        raise RuntimeError("oh")

    told: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: told.append(context["message"]))
    hands = Hands(1, execute)

    put(hands, "a")
    await settle()

    assert told == ["run a could not be executed"]
    assert (hands.free, hands.freed.is_set()) == (1, True)


async def end(hands, stage):
    await hands.unbegun()
    await hands.park()
