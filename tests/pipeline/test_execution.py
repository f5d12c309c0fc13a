"""Adapter: runs are taken through their steps on a real store, with actions that say what they are told."""

import asyncio

import msgspec
import pytest

from hookagent.actions import registry
from hookagent.actions.base import Outside
from hookagent.actions.registry import BUILT_IN
from hookagent.environment import Environment
from hookagent.event import Event, RawRequest
from hookagent.job import Again, Done, Later, Never, RunState, Step
from hookagent.pipeline.execution import Execution
from hookagent.pipeline.patience import Patience
from hookagent.pipeline.recorder import Recorder
from hookagent.pipeline.rulebook import Bindings
from hookagent.rules.parse import read_rules
from hookagent.store.base import Routed, Run
from hookagent.verdict import Code, Verdict
from tests.pipeline.conftest import NOW

RULE = """
[rule.it]
retry = { attempts = 3, first_delay = "1s", max_delay = "1s" }
[[rule.it.do]]
action = "log"
name = "first"
text = "{{ a }}"
[[rule.it.do]]
action = "log"
name = "second"
text = "{{ steps.first.output.word }}"
"""
QUICK = """
[rule.it]
[[rule.it.do]]
action = "log"
name = "first"
text = "{{ a }}"
"""
EVENT = Event(
    id="evt_" + "0" * 24,
    source="s",
    request=RawRequest(received_at=NOW),
    verdict=Verdict(valid=True, scheme="none", code=Code.UNCHECKED),
    payload={"a": 1},
)


class Script:
    """Stands for the `log` action and answers by script."""

    about = "answers by script"

    def __init__(self, outcomes) -> None:
        import importlib

        real = importlib.import_module(BUILT_IN["log"])
        self.Options = real.Options
        self.prepare = real.prepare
        self.outcomes = list(outcomes)
        self.said: list[str] = []
        self.keys: list[str] = []
        self.attempts: list[int] = []
        self.places = asyncio.Semaphore(1)

    def turn(self, _outside):
        return self.places

    async def run(self, prepared, call, outside):
        self.said.append(prepared.text)
        self.keys.append(call.idempotency_key)
        self.attempts.append(call.attempt)
        outcome = self.outcomes.pop(0)
        if outcome is None:
            await asyncio.sleep(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
async def execute(store, feed, tmp_path, monkeypatch):
    recorders = []

    async def ours(_run):
        return True

    async def alone(_execution, _script):
        """Nobody else holds the places."""

    async def run_it(outcomes, *, dry_run=False, run=None, at_once=False, is_ours=ours, meet=alone):
        script = Script(outcomes)
        monkeypatch.setattr(registry, "load", lambda _name: script)
        environment = Environment({})
        bindings = Bindings(environment)
        rule = read_rules([("r.toml", QUICK if at_once else RULE)]).rules[0]
        bindings.of_rule(rule)
        recorder = Recorder(store, feed, "w", lambda: NOW)
        task = asyncio.get_running_loop().create_task(recorder.run())
        recorders.append((recorder, task))
        outside = Outside(
            folder=tmp_path, state=tmp_path, environment=environment, clock=lambda: NOW
        )
        if run is None:
            run = Run(
                id="run_1",
                event_id=EVENT.id,
                rule="it",
                version=rule.version,
                state=RunState.RUNNING,
                owner="w",
                lease_until=NOW + 60_000,
                created_at=NOW,
                steps=[Step(name=spec.name, action="log") for spec in rule.do],
            )
            await store.accept(EVENT, owner="w", lease_until=NOW + 60_000)
            await store.route(
                "w",
                [Routed(event_id=EVENT.id, runs=[run], versions=[bindings.of_rule(rule).version])],
            )
        execution = Execution(
            recorder,
            bindings,
            outside,
            lambda: NOW,
            lambda: 0.5,
            is_ours=is_ours,
            dry_run=dry_run,
        )
        if at_once:
            tell = execution.run_at_once(run, EVENT)
            assert await recorder.record(run)
            tell()
            return await store.run("run_1"), script
        acted: list[str] = []
        await meet(execution, script)
        await execution.run(run, EVENT, lambda: acted.append(run.state))
        assert acted == ([] if run.state is RunState.RUNNING else [run.state])
        return await store.run("run_1"), script

    registry.is_instant.cache_clear()
    yield run_it
    registry.is_instant.cache_clear()  # what it says of `log` now is said of the script
    for recorder, task in recorders:
        recorder.close()
        await task


async def test_steps_run_in_order_and_hand_their_output_on(execute):
    run, script = await execute([Done({"word": "hello"}), Done()])

    assert (run.state, [step.state for step in run.steps]) == ("done", ["done", "done"])
    assert script.said == ["1", "hello"]
    assert script.keys == ["run_1-0", "run_1-1"]
    assert run.ended_at == NOW


async def test_a_person_s_retry_has_all_attempts_and_the_action_knows_of_earlier_ones(
    execute, store
):
    run, _ = await execute([Never(error="no answer")])
    assert run.state == "dead"
    await store.revive(run.id, now=NOW)
    [run] = await store.claim_runs("w", lease_until=NOW + 60_000, now=NOW, limit=1)

    run, script = await execute([Again(error="busy")], run=run)

    assert script.attempts == [2]  # which looks first whether the one before had its effect
    assert (run.state, run.steps[0].counted) == ("waiting", 1)
    assert [attempt.error for attempt in run.steps[0].attempts] == ["no answer", "busy"]


async def test_waiting_for_its_turn_uses_up_none_of_a_steps_time(execute, monkeypatch):
    order = []

    class Limit(Patience):
        async def __aenter__(self):
            order.append("limit")
            await super().__aenter__()

    monkeypatch.setattr("hookagent.pipeline.execution.Patience", Limit)

    async def others_are_at_it(execution, script):
        await script.places.acquire()

        def after_a_while():
            order.append(f"{len(execution.waiting)} waits")
            script.places.release()

        asyncio.get_running_loop().call_later(0.01, after_a_while)

    run, script = await execute([Done({"word": "hello"}), Done()], meet=others_are_at_it)

    assert order == ["1 waits", "limit", "limit"]
    assert (run.state, len(run.steps[0].attempts)) == ("done", 1)
    assert script.said == ["1", "hello"]


async def test_a_run_that_another_took_over_acts_no_more(execute):
    asked = []

    async def once(run):
        asked.append(run.step)
        return len(asked) == 1

    run, script = await execute([Done({"word": "hello"})], is_ours=once)

    assert (asked, script.said) == ([0, 1], ["1"])
    assert [step.state for step in run.steps] == ["done", "pending"]
    assert run.state == "running"  # whoever has it now says what becomes of it


async def test_what_waits_for_nothing_is_done_at_once_and_recorded(execute):
    run, script = await execute([Done({"word": "hello"})], at_once=True)

    assert (run.state, run.owner, run.ended_at) == ("done", "", NOW)
    assert [attempt.outcome for attempt in run.steps[0].attempts] == ["done"]
    assert run.steps[0].output == {"word": "hello"}
    assert script.keys == ["run_1-0"]


async def test_what_is_done_at_once_may_fail_like_any_other(execute):
    run, _ = await execute([ValueError("oh")], at_once=True)

    assert run.state == "waiting"
    assert run.steps[0].attempts[0].error == "ValueError: oh"


async def test_an_action_that_waits_although_it_says_it_does_not_fails_for_good(execute):
    run, _ = await execute([None], at_once=True)

    assert (run.state, run.reason) == ("dead", "an action that says it waits for nothing did wait")


async def test_a_step_that_may_yet_succeed_waits_with_its_attempt_recorded(execute):
    run, _ = await execute([Again(error="busy", retry_after_ms=5_000)])

    assert (run.state, run.step, run.due_at) == ("waiting", 0, NOW + 5_000)
    assert [attempt.outcome for attempt in run.steps[0].attempts] == ["again"]
    assert (run.owner, run.lease_until) == ("", 0)


async def test_a_step_that_never_will_ends_the_run_and_the_next_does_not_begin(execute):
    run, script = await execute([Done({"word": "x"}), Never(error="gone")])

    assert (run.state, run.reason, run.step) == ("dead", "gone", 1)
    assert len(script.said) == 2


async def test_not_yet_costs_no_attempt(execute):
    run, _ = await execute([Later(after_ms=7_000, reason="closed")])

    assert (run.state, run.due_at, run.steps[0].attempts) == ("waiting", NOW + 7_000, [])


async def test_a_value_that_is_missing_ends_the_run_with_a_sentence(execute):
    run, _ = await execute([Done({"other": 1})])

    assert run.state == "dead"
    assert "steps.first.output.word" in run.reason


async def test_a_bug_in_an_action_fails_its_step_and_not_the_agent(execute):
    run, _ = await execute([RuntimeError("oops")])

    assert run.state == "waiting"
    assert "RuntimeError" in run.steps[0].attempts[0].error


async def test_an_interrupted_run_is_settled_before_anything_is_done_again(execute, store):
    first, script = await execute([Again(error="busy")])
    claimed = msgspec.structs.replace(
        first, state=RunState.RUNNING, owner="w", lease_until=NOW + 1, is_interrupted=True
    )
    (ours,) = await store.claim_runs("w", now=NOW + 60_000, lease_until=NOW + 120_000, limit=1)
    assert ours.id == claimed.id

    run, script = await execute([], run=claimed)

    assert [attempt.outcome for attempt in run.steps[0].attempts] == ["again", "interrupted"]
    assert run.state == "waiting"
    assert script.said == []


async def test_a_run_that_was_cut_off_in_its_first_try_is_counted_as_begun_once(execute, feed):
    feed.counts = counted = Counted()

    async def lost(_run):
        return False  # as far as the first worker came

    first, _ = await execute([], is_ours=lost)
    assert counted.states == ["begun"]

    left = msgspec.structs.replace(first, state=RunState.RUNNING, owner="w", is_interrupted=True)
    await execute([], run=left)
    assert counted.states == ["begun", "waiting"]


class Counted:
    """Notes the states of runs that are counted."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def ended(self, ending):
        self.states.append(ending[3])

    def tried(self, _one):
        """Leave tries out."""


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(execute):
    run, script = await execute([], dry_run=True)

    assert script.said == []
    assert run.steps[0].output["would"]["action"] == "log"
