"""What every engine of the store must do. A test class inherits it and gives the fixture `reopen`.

`reopen()` is an asynchronous context manager that opens the same store each time.
"""

import asyncio

import msgspec
import pytest

from hookagent.job import Attempt, RunState, Step, StepState
from hookagent.store.base import (
    Accepted,
    EventFilter,
    EventState,
    Routed,
    RuleVersion,
    RunFilter,
    StateWrite,
    Stretch,
)
from hookagent.verdict import Code, Integrity
from tests.patience import PATIENCE_S
from tests.store.conformance_sharing import SharingConformance
from tests.store.making import T0, event, refusal, replay, run, running

LEASE = {"now": T0, "lease_until": T0 + 1_000, "limit": 100}


async def seqs(store, **wanted):
    return [found.seq for found in await store.events(EventFilter(**wanted))]


async def ids(store, **wanted):
    return [found.id for found in await store.events(EventFilter(**wanted))]


async def settle_refusals(store, count):
    async with asyncio.timeout(PATIENCE_S):
        while len(await store.rejected(limit=1000)) != count:  # noqa: ASYNC110 - refusals come unannounced
            await asyncio.sleep(0.005)


class Accepting:
    async def test_an_event_comes_back_exactly_as_it_was(self, store):
        for given in (
            event(1),
            event(2, type="", source="other", key=b"id-7", content_key=b"", detail="unsigned"),
            event(
                3, content_key=b"x" * 32, signed_at=T0, secret_index=None, body=bytes(range(256))
            ),
        ):
            assert await store.accept(given) == Accepted(given.id)
            found = await store.event(given.id)
            assert found is not None
            assert found.event == given
            assert found.summary.size == len(given.request.body)
            assert found.summary.state is EventState.STORED

    async def test_the_same_key_at_the_same_source_is_a_duplicate_of_the_first(self, store):
        first, again = event(1), event(1, id="evt_again")
        await store.accept(first)
        assert await store.accept(again) == Accepted(first.id, is_duplicate=True)
        assert await store.accept(event(1, id="evt_elsewhere", source="b")) == Accepted(
            "evt_elsewhere"
        )
        found = await store.event(first.id)
        assert found is not None
        assert found.summary.duplicates == 1
        assert await store.event("evt_again") is None

    async def test_a_quiet_event_is_routed_as_it_comes(self, store):
        await store.accept(event(1), is_quiet=True)
        await asyncio.gather(
            *(
                store.accept(event(n), owner="w" * (n % 3 == 2), is_quiet=n % 3 == 0)
                for n in range(2, 9)
            )
        )

        quiet = [event(n).id for n in (6, 3, 1)]
        assert await ids(store, status="quiet") == quiet
        assert await store.route("w", [Routed(event_id=of) for of in quiet]) == [False] * 3
        free = await store.claim_events("other", **LEASE)
        assert {one.id for one in free} == {event(n).id for n in (2, 4, 5, 7, 8)}
        left = [Routed(event_id=one.id) for one in free]
        assert await store.route("other", left) == [True] * 5
        assert len(await ids(store, status="quiet")) == 8

    async def test_a_quiet_delivery_of_a_known_key_is_a_duplicate(self, store):
        await store.accept(event(1))
        again = await store.accept(event(1, id="evt_again"), is_quiet=True)
        assert again == Accepted(event(1).id, is_duplicate=True)
        assert await ids(store, status="quiet") == []
        assert [one.id for one in await store.claim_events("w", **LEASE)] == [event(1).id]

    async def test_a_run_for_a_quiet_event_ends_its_quiet(self, store):
        await store.accept(event(1), is_quiet=True)
        await store.accept(event(2), owner="w", lease_until=T0)
        late = run(1, event(1))
        assert await store.route("w", [Routed(event_id=event(2).id, runs=[late])]) == [True]
        assert await ids(store, status="quiet") == []
        assert await ids(store, status="pending") == [event(1).id]

    async def test_of_a_race_for_one_key_exactly_one_is_stored(self, store):
        rivals = [event(1, id=f"evt_{n}") for n in range(50)]
        answers = await asyncio.gather(*(store.accept(rival) for rival in rivals))
        assert [answer.is_duplicate for answer in answers].count(False) == 1
        assert {answer.id for answer in answers} == {"evt_0"}
        assert (await store.events(EventFilter()))[0].duplicates == 49

    async def test_new_events_and_duplicates_may_share_a_commit(self, store):
        await store.accept(event(1))
        mixed = [event(n, id=f"evt_{n}_{turn}") for turn in range(2) for n in (1, 2, 3)]
        answers = await asyncio.gather(*(store.accept(one) for one in mixed))
        assert [answer.id for answer in answers] == [event(1).id, "evt_2_0", "evt_3_0"] * 2
        assert [answer.is_duplicate for answer in answers] == [True, False, False, True, True, True]

    async def test_an_id_that_is_there_already_is_a_duplicate_too(self, store):
        await store.accept(event(1))
        assert (await store.accept(event(2, id=event(1).id))).is_duplicate

    async def test_duplicates_are_known_after_a_restart(self, reopen):
        async with reopen() as store:
            await asyncio.gather(*(store.accept(event(n)) for n in range(1, 40)))
        async with reopen() as store:
            answers = await asyncio.gather(*(store.accept(event(n)) for n in range(1, 40)))
            assert all(answer.is_duplicate for answer in answers)
            assert not (await store.accept(event(40))).is_duplicate

    async def test_sequence_numbers_grow_by_arrival_and_survive_a_restart(self, reopen):
        async with reopen() as store:
            for n in (1, 2, 3):
                await store.accept(event(n, at=T0 - n))
            before = await seqs(store)
            assert before == sorted(before, reverse=True)
        async with reopen() as store:
            await store.accept(event(4))
            assert max(await seqs(store)) > max(before)

    async def test_refusals_are_listed_newest_first_and_found_by_id(self, store):
        store.reject(refusal(1))
        store.reject(refusal(2, source="other", body=b"\x00\xff"))
        await settle_refusals(store, 2)
        assert await store.rejected(limit=10) == [
            await store.rejection(refusal(2).id),
            await store.rejection(refusal(1).id),
        ]
        found = await store.rejection(refusal(2).id)
        assert found is not None
        assert found.request == refusal(2, source="other", body=b"\x00\xff").request
        assert [one.source for one in await store.rejected(limit=10, source="other")] == ["other"]
        assert await store.rejection("rej_none") is None


class Working:
    async def test_events_are_claimed_oldest_first_and_once(self, store):
        for n in (1, 2, 3):
            await store.accept(event(n))
        first = await store.claim_events("a", now=T0, lease_until=T0 + 10, limit=2)
        second = await store.claim_events("b", now=T0 + 5, lease_until=T0 + 15, limit=5)
        assert [one.id for one in first] == [event(1).id, event(2).id]
        assert [one.id for one in second] == [event(3).id]
        late = await store.claim_events("b", now=T0 + 10, lease_until=T0 + 20, limit=5)
        assert late == first

    async def test_an_event_that_comes_in_leased_is_claimed_by_nobody_meanwhile(self, store):
        await store.accept(event(1), owner="a", lease_until=T0 + 10)
        await asyncio.gather(
            store.accept(event(2), owner="a", lease_until=T0 + 10), store.accept(event(3))
        )
        free = await store.claim_events("b", now=T0 + 9, lease_until=T0 + 20, limit=9)
        assert [one.id for one in free] == [event(3).id]
        late = await store.claim_events("b", now=T0 + 10, lease_until=T0 + 20, limit=9)
        assert len(late) == 2

    async def test_routing_is_fenced_and_happens_once(self, store):
        await store.accept(event(1), owner="a", lease_until=T0 + 10)
        outcome = Routed(event_id=event(1).id, runs=[run(1, event(1))])
        assert await store.route("b", [outcome]) == [False]
        assert await store.runs(RunFilter()) == []
        assert await store.route("a", [outcome]) == [True]
        again = Routed(event_id=event(1).id, runs=[run(2, event(1), "other")])
        assert await store.route("a", [again, Routed(event_id="evt_none")]) == [False, False]
        assert [one.id for one in await store.runs(RunFilter())] == [run(1, None).id]
        assert await store.claim_events("a", **LEASE) == []

    async def test_a_second_run_of_a_rule_for_an_event_is_dropped(self, store):
        await store.accept(event(1))
        twice = [run(1, event(1)), run(2, event(1)), run(3, event(1), "other")]
        await store.route("a", [Routed(event_id=event(1).id, runs=twice)])
        assert len(await store.runs(RunFilter())) == 2

    async def test_a_run_comes_back_exactly_as_it_was(self, store):
        await store.accept(event(1))
        step = Step(
            name="one",
            action="http",
            state=StepState.WAITING,
            attempts=[Attempt(started_at=T0, ms=3, outcome="again", error="500")],
            output={"a": [1, "é"]},
        )
        given = run(
            1, event(1), version="v1", state=RunState.WAITING, steps=[step], due_at=T0 + 5,
            facts={"window": {"count": 3}},
        )  # fmt: skip
        await store.route("a", [Routed(event_id=event(1).id, runs=[given])])
        assert await store.run(given.id) == given
        assert await store.run("run_none") is None

    async def test_due_retries_come_before_new_runs_and_none_comes_early(self, store):
        for n in (1, 2, 3, 4):
            await store.accept(event(n))
        given = [
            run(1, event(1)),
            run(2, event(2), state=RunState.WAITING, due_at=T0 + 20),
            run(3, event(3), state=RunState.WAITING, due_at=T0 + 10),
            run(4, event(4), state=RunState.WAITING, due_at=T0 + 30),
        ]
        for one in given:
            await store.route("a", [Routed(event_id=one.event_id, runs=[one])])
        taken = await store.claim_runs("a", now=T0 + 20, lease_until=T0 + 99, limit=9)
        assert [one.id for one in taken] == [given[2].id, given[1].id, given[0].id]
        assert {one.state for one in taken} == {RunState.RUNNING}
        assert {one.owner for one in taken} == {"a"}
        assert not any(one.is_interrupted for one in taken)

    async def test_a_pending_run_is_claimed_even_when_the_clock_went_back(self, store):
        await store.accept(event(1))
        await store.route("a", [Routed(event_id=event(1).id, runs=[run(1, event(1))])])
        assert len(await store.claim_runs("a", now=5, lease_until=9, limit=9)) == 1

    async def test_of_a_limited_rule_no_more_runs_are_handed_out_to_all_together(self, store):
        for n in range(1, 7):
            await store.accept(event(n))
            both = [run(n, event(n), "few"), run(n + 10, event(n), "free")]
            await store.route("a", [Routed(event_id=event(n).id, runs=both)])
        none = await store.claim_runs("a", **LEASE | {"limit": 2}, limits={"few": 0})
        assert [one.rule for one in none] == ["free"] * 2
        first = await store.claim_runs("a", **LEASE, limits={"few": 3, "other": 1})
        assert [one.id for one in first if one.rule == "few"] == [
            run(n, None).id for n in (1, 2, 3)
        ]
        assert len(first) == 3 + 4
        assert await store.claim_runs("b", **LEASE, limits={"few": 3}) == []
        done = next(one for one in first if one.rule == "few")
        await store.record("a", [msgspec.structs.replace(done, state=RunState.DONE)])
        (second,) = await store.claim_runs("b", **LEASE, limits={"few": 3})
        assert second.id == run(4, None).id
        late = {"now": LEASE["lease_until"], "lease_until": T0 + 9_000, "limit": 9}
        again = await store.claim_runs("c", **late, limits={"few": 3, "free": 1})
        assert [one.is_interrupted for one in again] == [True] * 4
        assert len([one for one in again if one.rule == "few"]) == 3

    async def test_a_run_whose_lease_ran_out_is_interrupted_and_the_old_owner_fenced(self, store):
        await store.accept(event(1))
        given = running(1, event(1))
        await store.route("w", [Routed(event_id=event(1).id, runs=[given])])
        assert await store.claim_runs("b", now=given.lease_until - 1, lease_until=0, limit=9) == []
        until = given.lease_until + 100
        (taken,) = await store.claim_runs("b", now=given.lease_until, lease_until=until, limit=9)
        assert taken.is_interrupted
        done = msgspec.structs.replace(given, state=RunState.DONE)
        assert await store.record("w", [done]) == [False]
        assert await store.renew("w", [given.id], lease_until=until) == []
        assert await store.renew("b", [given.id, "run_none"], lease_until=until) == [given.id]
        assert await store.record("b", [done]) == [True]
        assert await store.record("b", [done]) == [False]

    async def test_a_recorded_run_that_waits_is_due_then(self, store):
        await store.accept(event(1))
        given = running(1, event(1))
        await store.route("w", [Routed(event_id=event(1).id, runs=[given])])
        assert await store.next_due() == given.lease_until
        waiting = msgspec.structs.replace(given, state=RunState.WAITING, due_at=T0 + 500)
        assert await store.record("w", [waiting]) == [True]
        assert await store.next_due() == T0 + 500
        found = await store.run(given.id)
        assert found is not None
        assert (found.owner, found.lease_until) == ("", 0)

    async def test_work_survives_a_restart(self, reopen):
        async with reopen() as store:
            await store.accept(event(1))
            await store.accept(event(2))
            await store.route("w", [Routed(event_id=event(1).id, runs=[run(1, event(1))])])
        async with reopen() as store:
            assert await store.claim_events("a", **LEASE) == [event(2)]
            assert [one.id for one in await store.claim_runs("a", **LEASE)] == [run(1, None).id]

    async def test_dead_runs_are_revived_with_fresh_attempts_or_discarded(self, store):
        await store.accept(event(1))
        steps = [
            Step(name="one", action="log", state=StepState.DONE),
            Step(
                name="two",
                action="http",
                state=StepState.DEAD,
                attempts=[Attempt(started_at=T0, ms=1, outcome="never")],
            ),
        ]
        dead = run(1, event(1), state=RunState.DEAD, step=1, steps=steps, reason="no", ended_at=T0)
        await store.route("w", [Routed(event_id=event(1).id, runs=[dead])])
        assert await store.claim_runs("w", **LEASE) == []
        revived = await store.revive(dead.id, now=T0 + 9)
        assert revived is not None
        assert (revived.state, revived.reason, revived.ended_at) == (RunState.PENDING, "", 0)
        assert revived.steps[0] == steps[0]
        assert revived.steps[1].attempts == steps[1].attempts
        assert (revived.steps[1].counted, revived.steps[1].state) == (0, StepState.PENDING)
        assert await store.revive(dead.id, now=T0) is None
        assert await store.discard(dead.id, now=T0) is None
        assert await store.next_due() == 0
        (taken,) = await store.claim_runs("w", **LEASE)
        await store.record("w", [msgspec.structs.replace(taken, state=RunState.DEAD)])
        discarded = await store.discard(dead.id, now=T0 + 10)
        assert discarded is not None
        assert (discarded.state, discarded.ended_at) == (RunState.DISCARDED, T0 + 10)
        assert await store.discard("run_none", now=T0) is None


class OverTime:
    async def test_state_is_written_read_due_and_forgotten(self, store):
        await store.accept(event(1))
        states = [
            StateWrite(rule="a", key="x", value=b"1", due_at=T0 + 5),
            StateWrite(rule="a", key="y", value=b"2"),
            StateWrite(rule="b", key="x", value=b"3", due_at=T0 + 1),
        ]
        await store.route("w", [Routed(event_id=event(1).id, states=states)])
        assert await store.states() == states
        assert await store.states("b") == states[2:]
        assert await store.next_due() == T0 + 1
        assert await store.due_states(now=T0, limit=9) == []
        assert await store.due_states(now=T0 + 5, limit=9) == [states[2], states[0]]
        forgotten = StateWrite(rule="b", key="x", value=None)
        changed = StateWrite(rule="a", key="x", value=b"9")
        assert await store.route("w", [Routed(event_id="", states=[forgotten, changed])]) == [True]
        assert await store.states() == [changed, states[1]]
        assert await store.next_due() is None

    async def test_a_timer_may_fire_a_run_with_or_without_an_event(self, store):
        await store.accept(event(1))
        await store.route("w", [Routed(event_id=event(1).id)])
        late = [run(1, event(1), "debounce"), run(2, None, "absence"), run(3, None, "absence")]
        assert await store.route("w", [Routed(event_id="", runs=late)]) == [True]
        assert [one.event_id for one in await store.claim_runs("w", **LEASE)] == [
            event(1).id,
            "",
            "",
        ]
        assert await ids(store, status="quiet") == []
        assert await ids(store, rule="debounce") == [event(1).id]

    async def test_rule_versions_are_kept_once(self, store):
        await store.accept(event(1))
        version = RuleVersion(hash="h", rule="a", steps=[{"action": "log", "text": "é"}])
        await store.route("w", [Routed(event_id=event(1).id, versions=[version, version])])
        assert await store.rule_version("h") == version
        assert await store.rule_version("none") is None

    async def test_values_are_kept_replaced_and_forgotten(self, reopen):
        async with reopen() as store:
            await store.keep("a", b"\x00x")
            await store.keep("b", b"1")
            await store.keep("b", b"2")
            await store.keep("a", None)
        async with reopen() as store:
            assert await store.kept("a") is None
            assert await store.kept("b") == b"2"


@pytest.fixture
async def history(store):
    """Eight events with everything a filter tells apart."""
    given = [
        event(1, type="pull_request.opened", body=b'{"text": "A blue whale"}'),
        event(2, type="pull_request.closed"),
        event(3, source="stripe", type="charge.failed", body="ein Bl\u00e4uling".encode()),
        event(4, type="push", integrity=Integrity.TOKEN),
        event(
            5,
            source="stripe",
            type="charge.failed",
            code=Code.UNCHECKED,
            integrity=Integrity.NONE,
        ),
    ]
    given += [replay(6, given[0]), replay(7, given[0]), event(8, type="push", body=b"\xff blue")]
    for one in given:
        await store.accept(one)
    done = running(1, given[0], "label")
    dead = running(2, given[0], "notify")
    outcomes = [
        Routed(event_id=given[0].id, runs=[done, dead]),
        Routed(event_id=given[1].id, runs=[run(3, given[1], "label")]),
        Routed(
            event_id=given[2].id,
            runs=[run(4, given[2], "notify", state=RunState.WAITING, due_at=T0)],
        ),
        Routed(event_id=given[3].id),
        Routed(event_id=given[4].id, runs=[running(5, given[4], "notify")]),
    ]
    await store.route("w", outcomes)
    await store.record(
        "w",
        [
            msgspec.structs.replace(done, state=RunState.DONE, ended_at=T0 + 50),
            msgspec.structs.replace(dead, state=RunState.DEAD, reason="no"),
        ],
    )
    return given


class Looking:
    @pytest.mark.parametrize(
        ("wanted", "numbers"),
        [
            ({}, [8, 7, 6, 5, 4, 3, 2, 1]),
            ({"limit": 3}, [8, 7, 6]),
            ({"source": "stripe"}, [5, 3]),
            ({"source": "none"}, []),
            ({"type": "pull_request.*"}, [2, 1]),
            ({"type": "push"}, [8, 7, 6, 4]),
            ({"type": "push", "origin": "live"}, [8, 4]),
            ({"verdict": "ok"}, [8, 7, 6, 4, 3, 2, 1]),
            ({"verdict": "unchecked"}, [5]),
            ({"verdict": "none"}, [5]),
            ({"verdict": "token"}, [4]),
            ({"verdict": "body-signed", "source": "stripe"}, [3]),
            ({"verdict": "unchecked", "status": "running"}, [5]),
            ({"verdict": "unchecked", "rule": "label"}, []),
            ({"verdict": "token", "status": "quiet"}, [4]),
            ({"verdict": "token", "parent": event(1).id}, []),
            ({"verdict": "wrong-signature"}, []),
            ({"origin": "replay"}, [7, 6]),
            ({"parent": event(1).id}, [7, 6]),
            ({"parent": event(1).id, "source": "stripe"}, []),
            ({"parent": event(1).id, "limit": 1}, [7]),
            ({"status": "stored"}, [8, 7, 6]),
            ({"status": "stored", "origin": "live"}, [8]),
            ({"status": "routed"}, [5, 4, 3, 2, 1]),
            ({"status": "routed", "source": "stripe"}, [5, 3]),
            ({"status": "quiet"}, [4]),
            ({"status": "quiet", "source": "stripe"}, []),
            ({"status": "quiet", "rule": "label"}, []),
            ({"status": "done"}, [1]),
            ({"status": "dead"}, [1]),
            ({"status": "pending"}, [2]),
            ({"status": "waiting"}, [3]),
            ({"status": "running"}, [5]),
            ({"status": "discarded"}, []),
            ({"rule": "label"}, [2, 1]),
            ({"rule": "notify"}, [5, 3, 1]),
            ({"rule": "notify", "source": "stripe"}, [5, 3]),
            ({"rule": "notify", "status": "dead", "type": "pull*"}, [1]),
            ({"rule": "none"}, []),
            ({"since": T0 + 6}, [8, 7, 6]),
            ({"until": T0 + 2}, [2, 1]),
            ({"since": T0 + 3, "until": T0 + 4}, [4, 3]),
            ({"since": T0 + 3, "source": "stripe", "rule": "notify"}, [5, 3]),
            ({"since": T0 + 100_000_000}, []),
            ({"text": "blue"}, [8, 1]),
            ({"text": "BLUE WH"}, [1]),
            ({"text": "bläu"}, [3]),
            ({"text": "bl"}, [8, 3, 1]),
            ({"text": "blue", "status": "done"}, [1]),
            ({"text": "blue", "source": "stripe"}, []),
            ({"text": 'no"such'}, []),
        ],
    )
    async def test_a_filter_finds_exactly_its_events(self, store, history, wanted, numbers):
        by_id = {one.id: number for number, one in enumerate(history, 1)}
        assert [by_id[found] for found in await ids(store, **wanted)] == numbers
        wanted = {"limit": 50} | wanted
        if wanted["limit"] == 50:
            first = min(await seqs(store))
            forward = [by_id[found] for found in await ids(store, **wanted, after=first)]
            assert forward == [number for number in reversed(numbers) if number > 1]

    async def test_pages_follow_each_other_without_gap_or_repetition(self, store, history):
        found = []
        before = 0
        while page := await seqs(store, before=before, limit=3):
            found += page
            before = page[-1]
        assert found == await seqs(store)

    async def test_following_begins_after_and_goes_up(self, store, history):
        all_of_them = sorted(await seqs(store))
        assert await seqs(store, after=all_of_them[2], limit=2) == all_of_them[3:5]

    async def test_a_summary_says_what_happened(self, store, history):
        (found,) = await store.events(EventFilter(status="dead"))
        assert found.runs == {"done": 1, "dead": 1}
        assert found.state is EventState.ROUTED
        assert (found.code, found.integrity) == ("ok", "body-signed")
        assert (found.method, found.target) == ("POST", "/hooks/a?n=1")
        record = await store.event(found.id)
        assert record is not None
        assert [one.rule for one in record.runs] == ["label", "notify"]
        assert record.replays == [history[5].id, history[6].id]

    async def test_several_events_are_read_at_once(self, store, history):
        wanted = [history[5].id, "evt_gone", history[1].id]

        found = await store.events_of(wanted)

        assert {event.id for event in found} == {history[5].id, history[1].id}
        record = await store.event(history[1].id)
        assert record is not None
        assert record.event in found
        assert await store.events_of([]) == []

    async def test_ids_are_found_by_their_beginning(self, store, history):
        assert await store.event_ids_like(history[2].id[:15], 10) == [one.id for one in history]
        assert await store.event_ids_like(history[2].id, 10) == [history[2].id]
        assert await store.event_ids_like("evt_", 2) == [one.id for one in history[:2]]
        assert await store.event_ids_like("%", 2) == []

    @pytest.mark.parametrize(
        ("wanted", "numbers"),
        [
            ({}, [5, 4, 3, 2, 1]),
            ({"limit": 2}, [5, 4]),
            ({"states": [RunState.DEAD, RunState.WAITING]}, [4, 2]),
            ({"rule": "label"}, [3, 1]),
            ({"rule": "label", "states": [RunState.DONE]}, [1]),
            ({"event_id": event(1).id}, [2, 1]),
            ({"since": T0 + 4}, [5, 4]),
            ({"before": run(3, None).id}, [2, 1]),
            ({"rule": "none"}, []),
        ],
    )
    async def test_runs_are_listed_newest_first(self, store, history, wanted, numbers):
        found = await store.runs(RunFilter(**wanted))
        assert [one.id for one in found] == [run(number, None).id for number in numbers]

    async def test_the_counts_are_right(self, store, history):
        await store.accept(event(8, id="evt_again", at=T0 + 120_000))
        store.reject(refusal(1))
        await settle_refusals(store, 1)
        stats = await store.stats(since=0)
        assert stats.events == 8
        assert stats.runs == {"pending": 1, "running": 1, "waiting": 1, "done": 1, "dead": 1}
        assert (stats.unrouted, stats.oldest_unrouted_at) == (3, T0 + 6)
        assert stats.size_bytes > 0
        github, stripe = sorted(stats.sources, key=lambda one: one.source)
        assert (github.events, github.duplicates, github.rejected) == (6, 1, 1)
        assert (stripe.events, stripe.duplicates, stripe.rejected) == (2, 0, 0)
        assert github.last_received_at == T0 + 120_000
        recent = await store.stats(since=T0 + 120_000)
        assert {one.source: (one.events, one.duplicates) for one in recent.sources} == {
            "github": (0, 1),
            "stripe": (0, 0),
        }

    async def test_minutes_are_counted_by_source_from_the_full_minute_on(self, store, history):
        await store.accept(event(8, id="evt_again", at=T0 + 120_000))
        minute = T0 // 60_000 * 60_000

        found = await store.activity(since=T0 + 30)

        assert [
            (one.at, one.source, one.events, one.duplicates, one.rejected) for one in found
        ] == [
            (minute, "github", 6, 0, 0),
            (minute, "stripe", 2, 0, 0),
            (minute + 120_000, "github", 0, 1, 0),
        ]
        assert await store.activity(since=T0 + 180_000) == []


class Pruning:
    async def test_only_old_finished_events_go_with_their_runs(self, store, history):
        for one in history[5:]:
            await store.route("w", [Routed(event_id=one.id)])
        pruned = await store.prune(before=T0 + 7, limit=100)
        assert (pruned.events, pruned.runs) == (2, 0)
        kept = [one.id for one in reversed(history) if one not in (history[3], history[5])]
        assert await ids(store) == kept
        assert await ids(store, status="quiet") == [history[7].id, history[6].id]

    async def test_a_pruned_event_is_new_when_it_comes_again_and_its_number_is_not(self, store):
        for n in (1, 2):
            await store.accept(event(n))
            of = running(n, event(n))
            await store.route("w", [Routed(event_id=event(n).id, runs=[of])])
            await store.record("w", [msgspec.structs.replace(of, state=RunState.DONE)])
        highest = max(await seqs(store))
        pruned = await store.prune(before=T0 + 100, limit=1)
        assert (pruned.events, pruned.runs) == (1, 1)
        assert (await store.prune(before=T0 + 100, limit=9)).events == 1
        assert await store.runs(RunFilter()) == []
        assert not (await store.accept(event(1))).is_duplicate
        (number,) = await seqs(store)
        assert number > highest

    async def test_finished_runs_without_an_event_go_by_their_end(self, store):
        ends = [
            run(n, None, state=state, ended_at=ended_at)
            for n, state, ended_at in (
                (1, RunState.DONE, T0 + 5),
                (2, RunState.DONE, T0 + 50),
                (3, RunState.DEAD, T0 + 5),
                (4, RunState.PENDING, 0),
            )
        ]
        await store.route("w", [Routed(event_id="", runs=[one]) for one in ends])
        pruned = await store.prune(before=T0 + 20, limit=9)
        assert (pruned.events, pruned.runs) == (0, 1)
        left = {one.id for one in await store.runs(RunFilter())}
        assert left == {one.id for one in ends[1:]}
        assert (await store.stats(since=T0)).runs == {"done": 1, "dead": 1, "pending": 1}

    async def test_old_refusals_go_too(self, store):
        store.reject(refusal(1))
        store.reject(refusal(50))
        await settle_refusals(store, 2)
        assert (await store.prune(before=T0 + 20, limit=9)).rejected == 1
        assert [one.id for one in await store.rejected(limit=9)] == [refusal(50).id]


def stretch(at, data, *, span=60_000, node="a"):
    return Stretch(at=at, span=span, node=node, data=data)


def joined(found):
    return b"+".join(sorted(found))


class Counting:
    """Statistics: the engine keeps them and does not look inside."""

    async def test_stretches_are_kept_beside_each_other_and_survive_a_restart(self, reopen):
        given = [
            stretch(120_000, b"\x00\xff"),
            stretch(60_000, b"1"),
            stretch(60_000, b"1", node="b"),
            stretch(60_000, b"2"),
        ]
        async with reopen() as store:
            await store.add_stretches(given)
        async with reopen() as store:
            found = await store.stretches(since=0, until=1_000_000)
            assert found[-1] == given[0]
            assert sorted(found, key=repr) == sorted(given, key=repr)

    @pytest.mark.parametrize(
        ("since", "until", "numbers"),
        [
            (0, 400_000, [1, 2, 3]),
            (119_999, 120_000, [1]),
            (120_000, 120_001, [2]),
            (150_000, 190_000, [2, 3]),
            (240_000, 400_000, []),
            (0, 60_000, []),
        ],
    )
    async def test_stretches_are_found_where_they_overlap(self, store, since, until, numbers):
        for number in (3, 1, 2):
            await store.add_stretches([stretch(number * 60_000, b"%d" % number)])
        found = await store.stretches(since=since, until=until)
        assert [one.at // 60_000 for one in found] == numbers

    async def test_old_stretches_become_wider_one_block_at_a_time(self, store):
        minute, ten = 60_000, 600_000
        await store.add_stretches(
            [
                stretch(0, b"1"),
                stretch(9 * minute, b"2", node="b"),
                stretch(10 * minute, b"3"),
                stretch(20 * minute, b"4"),
                stretch(0, b"wide", span=ten),
            ]
        )

        async def widen(before):
            return await store.widen_stretches(span=minute, into=ten, before=before, merge=joined)

        assert await widen(ten - 1) == 0
        assert await widen(29 * minute) == 2
        assert await widen(29 * minute) == 1
        assert await widen(29 * minute) == 0
        found = await store.stretches(since=0, until=10 * ten)
        assert sorted((one.at, one.span, one.node, one.data) for one in found) == [
            (0, ten, "", b"1+2"),
            (0, ten, "a", b"wide"),
            (ten, ten, "a", b"3"),
            (2 * ten, minute, "a", b"4"),
        ]

    async def test_two_that_widen_at_once_lose_and_double_nothing(self, store):
        await store.add_stretches([stretch(n * 60_000, b"%d" % n) for n in range(30)])
        taken = await asyncio.gather(
            *(
                store.widen_stretches(span=60_000, into=600_000, before=1_800_000, merge=joined)
                for _ in range(8)
            )
        )
        assert sum(taken) == 30
        found = await store.stretches(since=0, until=1_800_000)
        assert sorted(part for one in found for part in one.data.split(b"+")) == sorted(
            b"%d" % n for n in range(30)
        )

    async def test_stretches_that_are_over_can_be_dropped(self, store):
        await store.add_stretches([stretch(n * 60_000, b"x") for n in range(3)])
        assert await store.drop_stretches(before=119_999) == 1
        assert await store.drop_stretches(before=119_999) == 0
        assert [one.at for one in await store.stretches(since=0, until=999_999)] == [
            60_000,
            120_000,
        ]


class StoreConformance(
    Accepting, Working, OverTime, Looking, Pruning, Counting, SharingConformance
):
    """All of it."""


class OneOwnerConformance:
    """What an engine must do besides that lets one agent in at a time."""

    async def test_taking_over_ends_the_leases_of_others_only(self, store):
        for n in (1, 2, 3):
            await store.accept(event(n), owner="old", lease_until=T0 + 9_000)
        await store.route(
            "old", [Routed(event_id=event(1).id, runs=[running(1, event(1), owner="old")])]
        )
        await store.take_over("new")
        assert len(await store.claim_events("new", now=1, lease_until=T0, limit=9)) == 2
        (taken,) = await store.claim_runs("new", now=T0, lease_until=T0 + 5, limit=9)
        assert taken.is_interrupted
        await store.take_over("new")
        assert await store.claim_runs("new", now=T0, lease_until=T0 + 5, limit=9) == []
