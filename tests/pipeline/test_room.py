"""Pure: places are counted."""

from hookagent.pipeline.room import Room
from hookagent.rules.model import Rule


def test_a_rule_has_its_own_limit_within_the_common_one():
    room = Room(3)
    one = Rule(name="one", concurrency=1)

    room.take("one")
    assert not room.has_place("one", one.concurrency)
    assert room.full([one, Rule(name="two")]) == ["one"]
    assert room.has_place("two", None)

    room.take("two")
    room.take("two")
    assert room.free == 0
    assert not room.has_place("two", None)

    room.leave("one")
    assert room.has_place("one", one.concurrency)
    assert room.full([one]) == []
