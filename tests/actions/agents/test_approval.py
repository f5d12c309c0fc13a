"""Pure: questions for a person and their answers."""

from hookagent.actions.agents.approval import asked, decide, decision, forget, question, wait_ms
from tests.actions.agents.endpoint import Memory

NOW = 1_760_000_000_000


def test_another_proposal_is_another_question():
    one, other = question("run_1-0", {"a": 1}, NOW), question("run_1-0", {"a": 2}, NOW)

    assert one.key != other.key
    assert one.key == question("run_1-0", {"a": 1}, NOW + 5).key


def test_only_an_output_with_a_question_has_one():
    made = {"approval": {"key": "k", "asked_at": 1, "what": None}}

    assert asked(made) is not None
    others: list[object] = [None, 3, {}, {"approval": 3}, {"approval": {}}]
    assert all(asked(other) is None for other in others)


def test_an_old_question_is_looked_at_less_often():
    waits = [wait_ms(NOW, NOW + age) for age in (0, 60_000, 600_000, 86_400_000)]

    assert waits == [1000, 3000, 30_000, 60_000]


async def test_a_word_is_kept_until_it_is_forgotten():
    memory = Memory()

    assert await decision(memory, "k") is None
    await decide(memory, "k", "no")
    assert await decision(memory, "k") == "no"
    await forget(memory, "k")
    assert await decision(memory, "k") is None
