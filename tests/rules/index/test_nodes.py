"""Nodes lead an event to what it may match."""

from hookagent.rules.index.checks import Check
from hookagent.rules.index.look import look_at, type_of
from hookagent.rules.index.nodes import Branch, Leaf, Single
from tests.rules.index.small import event


def test_a_branch_leads_by_value_beginning_end_and_to_the_rest():
    def leaf(number: int) -> Leaf:
        return Leaf([(number, ())])

    branch = Branch(
        lambda look: look.payload,
        {"abc": leaf(1)},
        ((2, {"ab": leaf(2)}),),
        ((1, {"c": leaf(3)}),),
        leaf(4),
    )
    found: list[int] = []
    branch.visit(look_at(event("abc")), found)
    assert found == [1, 2, 3, 4]
    found.clear()
    branch.visit(look_at(event(frozenset({"abd", "xyz"}))), found)
    assert found == [2, 4]


def test_a_leaf_asks_until_the_first_no():
    asked = []

    def judge(value: object, argument: object) -> bool:
        asked.append(argument)
        return argument == "yes"

    checks = tuple(Check(type_of, judge, argument) for argument in ("yes", "no", "never"))
    leaf = Leaf([(1, checks)])
    found: list[int] = []
    leaf.visit(look_at(event(None)), found)
    assert (found, asked) == ([], ["yes", "no"])


def test_a_leaf_of_one_asks_as_one_of_several():
    def judge(_value: object, argument: object) -> bool:
        return argument == "yes"

    def met(*arguments: str) -> list[int]:
        found: list[int] = []
        entry = (7, tuple(Check(type_of, judge, argument) for argument in arguments))
        Single(entry).visit(look_at(event(None)), found)
        return found

    assert met() == met("yes") == met("yes", "yes") == [7]
    assert met("no") == met("yes", "no") == []
