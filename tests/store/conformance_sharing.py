"""What every engine must do for several processes on one store; part of `StoreConformance`."""

import random
from typing import Any

import msgspec
import pytest

from hookagent.job import RunState
from hookagent.store.base import Routed, RunFilter, StateWrite
from hookagent.store.sharing import JUDGE, SETTLE_MS, Duty, Node
from tests.store.making import T0, event, run

LATER = T0 + 10 * SETTLE_MS
"""When every event of a test has had its time to settle."""
LEASE: dict[str, Any] = {"now": LATER, "lease_until": LATER + 1_000, "limit": 100}


def ordered(n: int, of, key: str = "k", **changes):
    return run(n, of, "ordered", order_key=key, **changes)


async def accept_and_route(store, n: int, *runs, owner: str = "w", **changes):
    given = event(n, **changes)
    await store.accept(given, owner=owner, lease_until=LATER)
    assert await store.route(owner, [Routed(event_id=given.id, runs=runs)]) == [True]


async def end(store, given, state=RunState.DONE, **changes):
    ended = msgspec.structs.replace(given, state=state, **changes)
    assert await store.record(given.owner, [ended]) == [True]


async def claimed(store, owner: str = "a", **changes):
    return [one.id for one in await store.claim_runs(owner, **LEASE | changes)]


def a_node(n: int) -> Node:
    return Node(
        id=f"agent_{n}", name="host", pid=n, role="all", version="1", config="c", rules="r",
        listener="http://127.0.0.1:1", started_at=T0 - n, seen_at=T0 + n, running=n, waiting=2,
        lag_ms=3,
    )  # fmt: skip


def number(n: int) -> str:
    return run(n, None).id


class Order:
    async def test_runs_of_one_key_are_handed_out_one_after_the_other(self, store):
        for n, key in enumerate("kkxkx", 1):
            await accept_and_route(store, n, ordered(n, event(n), key))
        first = await store.claim_runs("a", **LEASE)
        assert [one.id for one in first] == [number(1), number(3)]
        assert [one.order_key for one in first] == ["k", "x"]
        assert await claimed(store, "b") == []
        await end(store, first[0])
        (second,) = await store.claim_runs("b", **LEASE)
        assert second.id == number(2)
        await end(store, first[1])
        assert await claimed(store) == [number(5)]
        await end(store, second)
        assert await claimed(store) == [number(4)]

    async def test_the_order_is_that_of_arrival_whoever_routes_first(self, store):
        for n in (1, 2, 3):
            await store.accept(event(n), owner=f"w{n}", lease_until=LATER)
        for n in (3, 1):
            outcome = Routed(event_id=event(n).id, runs=[ordered(n, event(n))])
            await store.route(f"w{n}", [outcome])
        (first,) = await store.claim_runs("a", **LEASE)
        assert first.id == number(1)
        await end(store, first)
        assert await claimed(store) == []  # the second one is not routed yet
        await store.route(
            "w2", [Routed(event_id=event(2).id, runs=[ordered(2, event(2)), run(9, event(2))])]
        )
        both = await store.claim_runs("a", **LEASE)
        assert {one.id for one in both} == {number(2), number(9)}
        await end(store, next(one for one in both if one.order_key))
        assert await claimed(store) == [number(3)]

    async def test_one_that_waits_for_its_retry_holds_up_those_behind_it(self, store):
        for n in (1, 2):
            await accept_and_route(store, n, ordered(n, event(n)))
        (first,) = await store.claim_runs("a", **LEASE)
        await end(store, first, RunState.WAITING, due_at=LATER + 500)
        assert await claimed(store) == []
        (again,) = await store.claim_runs("a", **LEASE | {"now": LATER + 500})
        assert again.id == number(1)
        await end(store, again)
        assert await claimed(store) == [number(2)]

    async def test_one_whose_lease_ran_out_is_taken_up_before_those_behind_it(self, store):
        for n in (1, 2):
            await accept_and_route(store, n, ordered(n, event(n)))
        await store.claim_runs("a", **LEASE)
        late = LEASE | {"now": LATER + 1_000, "lease_until": LATER + 9_000}
        (again,) = await store.claim_runs("b", **late)
        assert (again.id, again.is_interrupted) == (number(1), True)
        given_back = msgspec.structs.replace(again, state=RunState.PENDING)
        assert await store.record("b", [given_back]) == [True]
        assert await claimed(store) == [number(1)]

    async def test_a_dead_one_holds_up_nobody_and_comes_back_to_its_place(self, store):
        for n in (1, 2, 3):
            await accept_and_route(store, n, ordered(n, event(n)))
        (first,) = await store.claim_runs("a", **LEASE)
        await end(store, first, RunState.DEAD)
        (second,) = await store.claim_runs("a", **LEASE)
        assert second.id == number(2)
        await store.revive(number(1), now=LATER)
        assert await claimed(store) == []  # the second one is running
        await end(store, second)
        assert await claimed(store) == [number(1)]

    async def test_other_rules_and_runs_without_a_key_are_not_held_up(self, store):
        for n in (1, 2):
            others = [run(n + 10, event(n), "other", order_key="k"), run(n + 20, event(n), "free")]
            await accept_and_route(store, n, ordered(n, event(n)), *others)
        assert set(await claimed(store)) == {number(n) for n in (1, 11, 21, 22)}

    @pytest.mark.parametrize("seed", range(12))
    async def test_whatever_happens_no_key_is_worked_off_out_of_order(self, store, seed):
        chance = random.Random(seed)
        given = {n: f"{chance.randrange(3)}" for n in range(1, 25)}
        held: dict[int, object] = {}
        ended: dict[str, list[int]] = {}
        unrouted = list(given)
        for n in given:
            await store.accept(event(n), owner="w", lease_until=LATER)
        now = LATER
        while sum(map(len, ended.values())) < len(given):
            now += 1
            dice = chance.random()
            if dice < 0.3 and unrouted:
                n = unrouted.pop(chance.randrange(min(4, len(unrouted))))
                outcome = Routed(event_id=event(n).id, runs=[ordered(n, event(n), given[n])])
                assert await store.route("w", [outcome]) == [True]
            elif dice < 0.6:
                terms = {"now": now, "lease_until": now + 1_000_000, "limit": 2}
                for one in await store.claim_runs("a", **terms):
                    n = int(one.id[-12:], 16)
                    busy = [given[other] for other in held]
                    assert given[n] not in busy
                    held[n] = one
            elif held:
                n = chance.choice(list(held))
                one = held.pop(n)
                if chance.random() < 0.3:
                    await end(store, one, RunState.WAITING, due_at=now + 2)
                else:
                    await end(store, one)
                    ended.setdefault(given[n], []).append(n)
        for key, numbers in ended.items():
            assert numbers == [n for n in given if given[n] == key]


class Duties:
    async def test_a_duty_has_one_owner_until_its_time_is_over(self, store):
        assert await store.hold("prune", "a", now=T0, until=T0 + 10)
        assert not await store.hold("prune", "b", now=T0 + 9, until=T0 + 30)
        assert await store.hold("watch", "b", now=T0 + 9, until=T0 + 19)
        assert await store.hold("prune", "a", now=T0 + 9, until=T0 + 19)
        assert await store.duties() == [
            Duty(name="prune", owner="a", until=T0 + 19),
            Duty(name="watch", owner="b", until=T0 + 19),
        ]
        assert await store.hold("prune", "b", now=T0 + 19, until=T0 + 29)
        assert not await store.hold("prune", "a", now=T0 + 20, until=T0 + 40)

    async def test_a_duty_that_was_let_go_is_free_at_once(self, store):
        await store.hold("prune", "a", now=T0, until=T0 + 10)
        await store.let_go("prune", "b")
        assert not await store.hold("prune", "b", now=T0, until=T0 + 10)
        await store.let_go("prune", "a")
        assert await store.hold("prune", "b", now=T0, until=T0 + 10)

    async def test_nodes_report_are_listed_and_forgotten(self, reopen):
        nodes = [a_node(n) for n in (1, 2, 3)]
        async with reopen() as store:
            for node in nodes:
                await store.report(msgspec.structs.replace(node, running=99, seen_at=T0))
                await store.report(node)
            await store.forget_node("agent_1")
        async with reopen() as store:
            assert await store.nodes(since=T0) == [nodes[2], nodes[1]]
            assert await store.nodes(since=T0 + 3) == [nodes[2]]

    async def test_what_a_silent_node_held_may_be_claimed_at_once(self, store):
        silent, alive = a_node(1), a_node(2)
        for node in (silent, alive):
            await store.report(node)
            await store.accept(event(node.pid), owner=node.id, lease_until=LATER * 2)
            await accept_and_route(store, 10 + node.pid, run(node.pid, event(10 + node.pid)))
            (taken,) = await store.claim_runs(node.id, **LEASE | {"lease_until": LATER * 2})
            assert taken.id == number(node.pid)
        assert await claimed(store, "b") == []

        assert await store.release([silent]) == 2

        events = {"now": LATER, "lease_until": LATER + 1_000, "limit": 9}
        assert [one.id for one in await store.claim_events("b", **events)] == [event(1).id]
        (run_,) = await store.claim_runs("b", **LEASE)
        assert (run_.id, run_.owner, run_.is_interrupted) == (number(1), "b", True)
        mine = msgspec.structs.replace(run_, owner=silent.id)
        assert await store.record(silent.id, [mine]) == [False]
        assert await store.renew(silent.id, [run_.id], lease_until=LATER * 2) == []
        assert await store.release([silent]) == 0

    async def test_a_node_that_was_only_slow_keeps_what_nobody_claimed_yet(self, store):
        slow = a_node(1)
        await store.report(slow)
        await accept_and_route(store, 1, run(1, event(1)), run(2, event(1), "other"))
        held = await store.claim_runs(slow.id, **LEASE | {"lease_until": LATER * 2})
        assert await store.release([slow]) == 2
        assert await store.renew(slow.id, [held[0].id], lease_until=LATER * 2) == [held[0].id]
        await end(store, held[1])
        assert await claimed(store, "b") == []

    async def test_a_node_that_reported_again_is_not_released(self, store):
        slow = a_node(1)
        await store.report(slow)
        await accept_and_route(store, 1, run(1, event(1)))
        await store.claim_runs(slow.id, **LEASE | {"lease_until": LATER * 2})
        await store.report(msgspec.structs.replace(slow, seen_at=slow.seen_at + 1))
        assert await store.release([slow]) == 0
        assert await store.release([]) == 0
        assert await claimed(store, "b") == []

    async def test_a_value_is_swapped_only_by_who_knows_it(self, store):
        assert not await store.swap("n", b"1", b"2")
        assert await store.swap("n", None, b"1")
        assert not await store.swap("n", None, b"2")
        assert await store.swap("n", b"1", b"2")
        assert await store.kept("n") == b"2"
        assert await store.swap("n", b"2", None)
        assert await store.kept("n") is None


class Judging:
    async def test_what_is_left_to_the_judge_comes_in_order_of_arrival(self, store):
        for n in (1, 2, 3, 4):
            await store.accept(event(n), owner="w", lease_until=LATER)
        for n in (3, 2, 1):
            left = [] if n == 2 else ["a", f"b{n}"]
            await store.route("w", [Routed(event_id=event(n).id, left_to_judge=left)])
        docket = await store.docket(before=LATER, limit=10)
        assert [(one.event, list(one.rules)) for one in docket.entries] == [
            (event(1), ["a", "b1"]),
            (event(3), ["a", "b3"]),
        ]
        assert docket.until == event(4).received_at  # it is not routed yet
        first = await store.docket(before=LATER, limit=1)
        assert [one.event.id for one in first.entries] == [event(1).id]
        assert first.until == event(1).received_at
        bounds = await store.docket(before=LATER, limit=0)
        assert (list(bounds.entries), bounds.until) == ([], event(4).received_at)
        early = await store.docket(before=event(3).received_at, limit=10)
        assert [one.event.id for one in early.entries] == [event(1).id]
        assert early.until == event(3).received_at

    async def test_nothing_is_judged_before_an_earlier_event_was_routed(self, store):
        for n in (1, 2):
            await store.accept(event(n), owner="w", lease_until=LATER)
        await store.route("w", [Routed(event_id=event(2).id, left_to_judge=["a"])])
        waiting = await store.docket(before=LATER, limit=10)
        assert (list(waiting.entries), waiting.until) == ([], event(1).received_at)
        await store.route("w", [Routed(event_id=event(1).id)])
        docket = await store.docket(before=LATER, limit=10)
        assert [one.event.id for one in docket.entries] == [event(2).id]
        assert docket.until == LATER

    async def test_only_the_holder_of_the_duty_may_judge(self, store):
        await accept_and_route(store, 1)
        await store.accept(event(2), owner="w", lease_until=LATER)
        await store.route("w", [Routed(event_id=event(2).id, left_to_judge=["a"])])
        state = StateWrite(rule="a", key="x", value=b"1", due_at=T0 + 5)
        judged = [
            Routed(event_id=event(2).id, runs=[run(1, event(2), "a"), run(2, event(1), "a")]),
            Routed(event_id="", runs=[run(3, None, "a")], states=[state]),
        ]
        assert not await store.judge("a", judged)
        await store.hold(JUDGE, "a", now=T0, until=T0 + 10)
        await store.hold(JUDGE, "b", now=T0 + 10, until=T0 + 20)
        assert not await store.judge("a", judged)
        assert await store.runs(RunFilter()) == []
        assert await store.judge("b", judged)
        assert await store.states() == [state]
        assert {one.id for one in await store.runs(RunFilter())} == {number(n) for n in (1, 2, 3)}
        assert list((await store.docket(before=LATER, limit=9)).entries) == []
        assert await store.judge("b", judged)  # its answer got lost: nothing is there twice
        assert len(await store.runs(RunFilter(rule="a"))) == 3

    async def test_the_docket_survives_a_restart_and_keeps_its_events_from_pruning(self, reopen):
        async with reopen() as store:
            await store.accept(event(1), owner="w", lease_until=LATER)
            await store.route("w", [Routed(event_id=event(1).id, left_to_judge=["a"])])
        async with reopen() as store:
            assert (await store.prune(before=LATER, limit=9)).events == 0
            docket = await store.docket(before=LATER, limit=9)
            assert [one.event for one in docket.entries] == [event(1)]
            await store.hold(JUDGE, "a", now=T0, until=T0 + 10)
            await store.judge("a", [Routed(event_id=event(1).id)])
            assert (await store.prune(before=LATER, limit=9)).events == 1


class SharingConformance(Order, Duties, Judging):
    """All of it."""
