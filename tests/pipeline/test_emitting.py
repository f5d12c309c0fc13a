"""Adapter: an internal event is stored once, linked to the event that led to it."""

import pytest

from hookagent.actions.base import Emission, hops
from hookagent.event import Origin
from hookagent.pipeline.emitting import emitter, event_of
from hookagent.pipeline.feed import Feed
from hookagent.store.base import EventFilter
from hookagent.store.registry import open_store

NOW = 1_760_000_000_000


class Desk:
    """Takes what is offered, as long as it has room."""

    owner = "agent_1"

    def __init__(self, *, has_room=True):
        self.has_room = has_room
        self.offered = []
        self.noted = []
        self.wanted = True

    def wants(self, _event):
        return self.wanted

    def lease(self, now):
        return now + 60_000 if self.has_room else 0

    def offer(self, event):
        self.offered.append(event)

    def note(self, event):
        self.noted.append(event)


def emission(**changes):
    given = {
        "source": "internal",
        "type": "order.large",
        "payload": {"total": 900},
        "parent": "evt_1",
        "key": "run_1-0",
        "hop": 2,
    }
    return Emission(**{**given, **changes})


@pytest.fixture
async def store(tmp_path):
    made = open_store("sqlite:///events.db", tmp_path)
    await made.open()
    yield made
    await made.close()


def emitting(store, desk):
    numbers = iter(range(100))
    return emitter(store, desk, Feed(), clock=lambda: NOW, entropy=lambda: next(numbers))


async def test_an_emitted_event_no_rule_asks_for_is_stored_as_routed(store):
    desk = Desk()
    desk.wanted = False

    event_id = await emitting(store, desk)(emission())

    quiet = await store.events(EventFilter(status="quiet"))
    assert [found.id for found in quiet] == [event_id]
    assert (desk.offered, [event.id for event in desk.noted]) == ([], [event_id])


async def test_an_emitted_event_is_stored_with_its_parent_and_handed_on(store):
    desk = Desk()

    event_id = await emitting(store, desk)(emission())

    record = await store.event(event_id)
    assert record is not None
    event = record.event
    assert (event.source, event.type, event.parent) == ("internal", "order.large", "evt_1")
    assert event.origin is Origin.INTERNAL
    assert event.request.body == b'{"total":900}'
    assert [offered.id for offered in desk.offered] == [event_id]


async def test_a_repeated_try_emits_nothing_new(store):
    desk = Desk()
    emit = emitting(store, desk)

    first = await emit(emission())
    second = await emit(emission())
    other = await emit(emission(key="run_2-0"))

    assert first == second
    assert other != first
    assert len(desk.offered) == 2


async def test_without_room_it_waits_in_the_store(store):
    desk = Desk(has_room=False)

    event_id = await emitting(store, desk)(emission())

    assert desk.offered == []
    assert await store.event(event_id) is not None


def test_the_hop_count_goes_along_so_that_a_chain_ends():
    assert hops(event_of(emission(hop=2), event_id="evt_2", now=NOW)) == 2
