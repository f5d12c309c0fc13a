"""What a copy of a store must hold, whatever the two engines. Test classes inherit `MovingConformance`.

They give the fixture `places`: two makers of stores, `source` and `target`, each of which opens the
same store again and again.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from hookagent.errors import OutsideError
from hookagent.job import Attempt, RunState, Step, StepState
from hookagent.store.base import (
    EventFilter,
    Routed,
    RuleVersion,
    RunFilter,
    StateWrite,
    Stretch,
)
from hookagent.store.copying import Copying, CopyReport, compare, copy, is_unfinished
from hookagent.store.moving import MARK, Movable, Part
from hookagent.store.sharing import JUDGE
from tests.store.conformance import settle_refusals
from tests.store.making import T0, event, refusal, replay, run, running

DAY = 24 * 3_600_000
LATER = T0 + 400 * DAY
BREAKS = 20
"""So often a copy is interrupted in a test."""


class Place(msgspec.Struct):
    """A store: how it is used, and how it is carried."""

    store: Callable[..., Any]
    movable: Callable[[], Movable]


def quiet(*_: object) -> None:
    """Hear what a copy says."""


async def fill(store, *, seed: int = 1, events: int = 60, first: int = 1) -> None:
    """Put a bit of everything into a store: each state, odd bytes, odd times."""
    chance = random.Random(seed)
    for n in range(first, first + events):
        body = chance.choice([b"{}", bytes(range(256)), b"\0", b"", b"x" * chance.randrange(9_000)])
        given = event(
            n,
            body=body,
            at=T0 + chance.choice([n, n * DAY // 7, -n]),
            source=chance.choice(["github", "b\u00fccher", "nul\0"]),
            type=chance.choice(["push", "", "a.b\U0001f600", "\uf8fe"]),
            content_key=chance.choice([b"", b"own" * 9]),
            secret_index=chance.choice([None, 0, 3]),
            signed_at=chance.choice([None, T0]),
            detail=chance.choice(["", "late \0"]),
        )
        await store.accept(given)
        for again in range(chance.choice([0, 0, 0, 2])):
            await store.accept(msgspec.structs.replace(given, id=f"evt_again_{n}_{again}"))
        if chance.random() < 0.85:
            await _route(store, given, n, chance)
    origin = event(first)
    await store.accept(replay(first + 50_000, origin))
    refused = len(await store.rejected(limit=1000))
    for n in range(first, first + 12):
        store.reject(refusal(n, body=b"\xff" * n))
    await settle_refusals(store, refused + 12)
    for n in range(6):
        await store.keep(f"kept.{n}", bytes([n]) * n)
    await store.keep("store.of.others", b"\0\xff")
    await store.add_stretches(
        [
            Stretch(at=T0 + n * 60_000, span=60_000, node=f"n{n % 2}", data=b"s%d" % n)
            for n in range(9)
        ]
    )
    await store.route(
        "w",
        [
            Routed(
                event_id="",
                runs=[run(first + 70_000, None, "timer", facts={"window": {"count": 2}})],
                states=[
                    StateWrite(rule=f"r{n % 2}", key=f"k{n}\0", value=bytes([n]), due_at=n % 3)
                    for n in range(7)
                ],
                versions=[RuleVersion(hash="h1", rule="label", steps=[{"action": "log"}])],
            )
        ],
    )


async def _route(store, given, n: int, chance: random.Random) -> None:
    kinds = [
        [],
        [run(n, given)],
        [run(n, given, "ordered", order_key=f"k{n % 3}"), run(n + 10_000, given, "label")],
        [running(n, given, facts={"key": {"host": "a\0"}})],
        [running(n, given), running(n + 10_000, given, "other")],
    ]
    runs = chance.choice(kinds)
    left = ["over-time"] if chance.random() < 0.2 else []
    await store.route("w", [Routed(event_id=given.id, runs=runs, left_to_judge=left)])
    held = [one for one in runs if one.state is RunState.RUNNING and chance.random() < 0.8]
    ends = (RunState.DONE, RunState.DEAD, RunState.WAITING, RunState.DISCARDED)
    attempt = Attempt(started_at=T0 + n, ms=3, outcome="again", error="no \0 luck")
    steps = [Step(name="one", action="log", state=StepState.PENDING, attempts=[attempt])]
    await store.record(
        "w",
        [
            msgspec.structs.replace(
                one, state=chance.choice(ends), due_at=T0 + n, ended_at=T0 + n, steps=steps,
                reason="because",
            )
            for one in held
        ],
    )  # fmt: skip


async def everything(store) -> dict[str, Any]:
    """Read a store through its protocol, without what only that engine numbers."""
    listed = await store.events(EventFilter(limit=100_000))
    records = [await store.event(one.id) for one in listed]
    rejected = await store.rejected(limit=1_000)
    runs = await store.runs(RunFilter(limit=100_000))
    for one in runs + [of_event for record in records for of_event in record.runs]:
        one.owner = ""
        one.lease_until = 0
    stats = await store.stats(since=0)
    docket = await store.docket(before=LATER, limit=0)
    return {
        "events": [msgspec.structs.replace(one, seq=0) for one in listed],
        "records": [(one.event, one.runs, sorted(one.replays)) for one in records],
        "runs": runs,
        "rejected": rejected,
        "stats": msgspec.structs.replace(stats, size_bytes=0, used_bytes=0),
        "activity": await store.activity(since=0),
        "states": sorted(
            (one.rule, one.key, one.value, one.due_at) for one in await store.states()
        ),
        "kept": [await store.kept(f"kept.{n}") for n in range(6)],
        "others": await store.kept("store.of.others"),
        "version": await store.rule_version("h1"),
        "stretches": await store.stretches(since=0, until=LATER),
        "docket": docket,
        "quiet": [one.id for one in await store.events(EventFilter(status="quiet", limit=10_000))],
    }


@asynccontextmanager
async def both(places):
    """Open a source and a target of a copy."""
    source, target = places[0].movable(), places[1].movable()
    await source.open_source()
    try:
        await target.open_target()
        try:
            yield source, target
        finally:
            await target.close()
    finally:
        await source.close()


async def carry(places, *, ahead: bool = False):
    """Copy once."""
    async with both(places) as (source, target):
        return await copy(source, target, ahead=ahead, said=quiet)


async def differences(places):
    """Compare two stores."""
    async with both(places) as (source, target):
        return await compare(source, target, said=quiet)


class Broken(Exception):
    """Ends a copy in its middle."""


def breaking(target: Movable, chance: random.Random) -> Movable:
    """Make one of the next writes fail, before or after its commit."""
    left = [chance.randrange(20)]

    def wrapped(name: str):
        real = getattr(target, name)

        async def call(*given):
            if left[0] == 0 and chance.random() < 0.5:
                raise Broken
            answer = await real(*given)
            left[0] -= 1
            if left[0] < 0:
                raise Broken
            return answer

        return call

    for name in ("adopt", "amend", "drop", "clear", "derive"):
        setattr(target, name, wrapped(name))
    return target


class MovingConformance:
    pages: Any
    """Sets how large a page is, for all engines of a pair."""
    another: Any
    """Makes one more place of the source's engine."""
    used: Any
    """Opens a store as an agent that is at work there."""

    @pytest.fixture(autouse=True)
    def small_pages(self, monkeypatch):
        """Let a small store have many pages."""
        self.pages(monkeypatch, rows=7, size=20_000)

    async def test_a_copy_holds_the_same_as_its_source(self, places):
        async with places[0].store() as store:
            await fill(store)
            there = await everything(store)
        report = await carry(places)
        assert report.is_done
        assert report.keys == report.parts["events"].rows == len(there["events"])
        assert report.carried == len(there["events"]) + len(there["runs"])
        assert all(report.parts[part].rows > 0 for part in Part)
        async with places[1].store() as store:
            assert await everything(store) == there

    async def test_an_empty_store_is_copied_too(self, places):
        async with places[0].store():
            pass
        report = await carry(places)
        assert report.is_done
        assert {part.rows for part in report.parts.values()} == {0}
        async with places[1].store() as store:
            assert not (await store.accept(event(1))).is_duplicate

    async def test_the_copy_goes_on_as_the_source_would_have(self, places):
        async with places[0].store() as store:
            await fill(store)
            newest = (await store.events(EventFilter(limit=1)))[0].id
        await carry(places)
        answers = []
        for place in places:
            async with place.store() as store:
                assert (await store.accept(event(1))).is_duplicate
                assert not (await store.accept(event(90_000))).is_duplicate
                listed = [one.id for one in await store.events(EventFilter(limit=2))]
                assert listed == [event(90_000).id, newest]
                await store.take_over("new")
                took = {"now": LATER, "lease_until": LATER + 1, "limit": 1_000}
                events = await store.claim_events("new", **took)
                await store.route("new", [Routed(event_id=one.id) for one in events])
                assert await store.hold(JUDGE, "new", now=LATER, until=LATER + 1)
                docket = await store.docket(before=LATER, limit=1_000)
                runs = [
                    (one.id, one.is_interrupted, one.step)
                    for one in await store.claim_runs("new", **took)
                ]
                answers.append(
                    ([one.id for one in events], docket, sorted(runs), await store.next_due())
                )
        assert answers[0] == answers[1]

    async def test_there_and_back_again(self, places):
        async with places[0].store() as store:
            await fill(store)
            there = await everything(store)
        await carry(places)
        third = self.another(places[0])
        await carry((places[1], third))
        async with third.store() as store:
            assert await everything(store) == there
        assert await differences((places[0], third)) == []

    async def test_a_copy_that_was_interrupted_anywhere_goes_on(self, places):
        chance = random.Random(9)
        async with places[0].store() as store:
            await fill(store, events=45)
            there = await everything(store)
        breaks = resumed = 0
        report: CopyReport | None = None
        for turn in range(200):
            async with both(places) as (source, target):
                try:
                    if breaks < BREAKS:
                        breaking(target, chance)
                    report = await copy(source, target, ahead=turn % 3 == 0, said=quiet)
                except Broken:
                    breaks += 1
                    continue
                resumed = max(resumed, report.resumed_at)
                if report.is_done:
                    break
        assert report is not None
        assert report.is_done
        assert breaks == BREAKS
        assert resumed > 0
        async with places[1].store() as store:
            assert await everything(store) == there
        assert await differences(places) == []

    async def test_what_changes_after_a_pass_ahead_is_in_the_last_pass(self, places):
        async with places[0].store() as store:
            await fill(store)
            report = await carry(places, ahead=True)
            assert not report.is_done
            assert report.carried > 60
            target = places[1].movable()
            await target.open_target()
            assert is_unfinished(await target.kept(MARK))
            await target.close()
            await fill(store, seed=2, events=25, first=500)
            for one in await store.runs(RunFilter(states=[RunState.DEAD], limit=5)):
                await store.revive(one.id, now=T0)
            for one in await store.runs(RunFilter(states=[RunState.DEAD], limit=2)):
                await store.discard(one.id, now=T0)
            removed = await store.prune(before=LATER, limit=9)
            assert removed.events == 9
            there = await everything(store)
        again = await carry(places)
        assert again.is_done
        assert again.resumed_at == report.carried
        async with places[1].store() as store:
            assert await everything(store) == there

    async def test_the_last_pass_waits_for_whoever_uses_the_source_to_end(self, places):
        async with self.used(places[0]) as store:
            await fill(store, events=5)
            with pytest.raises(OutsideError, match=r"use"):
                await carry(places)
        assert (await carry(places)).is_done

    async def test_a_target_that_holds_something_is_left_alone(self, places):
        there: Any = None
        for place in places:
            async with place.store() as store:
                await fill(store, events=3)
                there = await everything(store)
        with pytest.raises(OutsideError, match=r"is not empty: 4 events"):
            await carry(places)
        async with places[1].store() as store:
            assert await everything(store) == there

    async def test_a_copy_of_another_store_is_not_gone_on_with(self, places):
        third = self.another(places[0])
        for place in (places[0], third):
            async with place.store() as store:
                await fill(store, events=3)
        await carry(places, ahead=True)
        with pytest.raises(OutsideError, match=r"unfinished copy of another store"):
            await carry((third, places[1]))
        assert (await carry(places)).is_done

    async def test_a_finished_copy_is_not_written_again(self, places):
        async with places[0].store() as store:
            await fill(store, events=3)
        await carry(places)
        with pytest.raises(OutsideError, match=r"is a finished copy"):
            await carry(places)

    async def test_what_did_not_arrive_is_noticed_and_not_gone_on_with(self, places):
        async with places[0].store() as store:
            await fill(store, events=20)

        def lossy(real):
            async def adopt(part, rows, mark):
                await real(part, rows[:-1] if part is Part.EVENTS else rows, mark)

            return adopt

        async with both(places) as (source, target):
            target.adopt = lossy(target.adopt)
            with pytest.raises(OutsideError, match=r"is not what the source holds"):
                await copy(source, target, ahead=True, said=quiet)
        with pytest.raises(OutsideError, match=r"is not what the source holds"):
            await carry(places)

    async def test_a_page_that_was_not_read_back_is_read_by_the_next_call(self, places):
        async with places[0].store() as store:
            await fill(store, events=20)
        async with both(places) as (source, target):
            copying = await Copying.begun(source, target, quiet)

            async def ended(*_):
                raise Broken

            copying._read_back = ended  # type: ignore[method-assign] # the power fails there
            page = await source.export(Part.EVENTS, after=None)
            changed = [msgspec.structs.replace(page.rows[0], parent="evt_other"), *page.rows[1:]]
            real = target.adopt

            async def adopt(part, rows, mark):
                await real(part, changed, mark)

            target.adopt = adopt
            with pytest.raises(Broken):
                await copying.ahead()
        with pytest.raises(OutsideError, match=r"is not what the source holds"):
            await carry(places, ahead=True)

    async def test_of_two_copies_into_one_store_one_is_told_so(self, places):
        async with places[0].store() as store:
            await fill(store, events=20)
        async with both(places) as (source, target):
            first = await Copying.begun(source, target, quiet)
            second = await Copying.begun(source, target, quiet)
            await first.ahead()
            with pytest.raises(OutsideError, match=r"another copy .* is under way"):
                await second.ahead()

    async def test_a_source_that_is_not_there_is_not_made(self, places):
        with pytest.raises(OutsideError, match=r"there is no store"):
            await carry(places)
        with pytest.raises(OutsideError, match=r"there is no store"):
            await carry(places)

    async def test_differences_are_told_by_part(self, places):
        async with places[0].store() as store:
            await fill(store, events=10)
        await carry(places)
        assert await differences(places) == []
        async with places[1].store() as store:
            await store.keep("kept.1", b"other")
            await store.accept(event(70_000))
        found = {one.part: one.rows for one in await differences(places)}
        assert found.keys() == {"events", "unrouted", "kept", "tallies"}
        assert found["events"][0] + 1 == found["events"][1]

    async def test_arrivals_during_a_pass_ahead_are_not_lost(self, places):
        async with self.used(places[0]) as store:
            await fill(store, events=30)
            stop = asyncio.Event()

            async def arrive():
                n = 1_000
                while not stop.is_set():
                    n += 1
                    await store.accept(event(n))
                    await store.route("w", [Routed(event_id=event(n).id, runs=[run(n, event(n))])])
                    await asyncio.sleep(0)
                return n

            arriving = asyncio.create_task(arrive())
            await carry(places, ahead=True)
            stop.set()
            await arriving
            there = await everything(store)
        await carry(places)
        async with places[1].store() as store:
            assert await everything(store) == there
