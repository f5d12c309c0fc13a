"""What is told of what happens: rows from the store, changed ids once, log lines never."""

import msgspec

from hookagent.pipeline.feed import Delivered, Logged, Matched, Ran, Tunnel
from hookagent.server.inspector.tail import CHANGED_MAX, RESET, Reader, messages


def ran(event_id, state="done"):
    return Ran(at=1, id=event_id, run="run_1", rule="r", state=state, ms=1)


def told(*news):
    return [(one.event, msgspec.json.decode(one.data)) for one in messages(news)]


def test_an_event_that_changed_several_times_is_named_once():
    assert told(Matched(at=1, id="a", rules=[], runs=[]), ran("a"), ran("b")) == [
        ("changed", {"ids": ["a", "b"], "many": False})
    ]


def test_a_death_and_a_tunnel_are_told_as_they_are():
    found = told(ran("a", "dead"), Tunnel(at=1, state="up", url="https://example.test"))

    assert [(kind, value.get("event")) for kind, value in found] == [
        ("happening", "ran"),
        ("happening", "tunnel"),
        ("changed", None),
    ]


def test_log_lines_and_accepted_deliveries_are_not_told_twice():
    accepted = Delivered(at=1, outcome="accepted", status=200, source="s", id="a")

    assert told(accepted, Logged(at=1, line="x")) == []


def test_a_duplicate_changes_the_event_it_repeats():
    duplicate = Delivered(at=1, outcome="duplicate", status=200, source="s", id="a")

    assert told(duplicate) == [("changed", {"ids": ["a"], "many": False})]


def test_very_many_changes_are_said_to_be_many():
    ((_, value),) = told(*(ran(f"e{n}") for n in range(CHANGED_MAX + 1)))

    assert value["many"] is True
    assert len(value["ids"]) == CHANGED_MAX


async def test_a_reader_waits_no_longer_than_it_is_told_and_ends():
    reader = Reader()
    assert await reader.batch(0.001) == []

    reader.put(RESET)
    reader.close()

    assert await reader.batch(10) == [RESET]
    assert await reader.batch(10) == []
    assert reader.is_closed
