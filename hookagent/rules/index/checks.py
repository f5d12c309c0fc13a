"""Conditions compiled: each a key that answers true or false.

The common operators are written out for speed; everything else asks `operators.holds`, which is
what all of them are held against.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hookagent.lookup import MISSING
from hookagent.rules.arguments import Moment
from hookagent.rules.index.access import Access, Kind
from hookagent.rules.index.atoms import FOLDED, TESTS, Test, of_clause, of_element
from hookagent.rules.index.look import MANY, Key, Look, Slots, scope_of, source_of, texts
from hookagent.rules.model import Condition, Field, Group
from hookagent.rules.operators import EXPR, holds
from hookagent.rules.scope import ITSELF
from hookagent.subject import Reference

Judge = Callable[[Any, Any], bool]
"""Whether the answer of a key is what is asked for."""


class Check(NamedTuple):
    """One question with yes or no: met where `judge(look[key], argument)`.

    A tuple rather than a closure: ten thousand rules have tens of thousands, and what is small
    stays in the processor's cache.
    """

    key: Key
    judge: Judge
    argument: Any


class Checks:
    """Makes the checks of conditions, one for all conditions that ask the same."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._made: dict[Any, Check] = {}

    def of(self, condition: Condition) -> Check:
        """Return the check of one condition."""
        reference = condition.reference
        place = (reference.area, reference.path, condition.predicate)
        check = self._made.get(place)
        if check is None:
            check = self._made[place] = self._make(condition)
        return check

    def _make(self, condition: Condition) -> Check:
        predicate = condition.predicate
        op, argument = predicate.op, predicate.argument
        if op == EXPR or isinstance(argument, Field):
            return Check(asks(condition), answers, argument=True)
        return self._of_whole(condition) or self._of_elements(condition)

    def _of_whole(self, condition: Condition) -> Check | None:
        """Return the check of what is more than the elements a path reaches, None for others."""
        reference, slots = condition.reference, self._slots
        op, argument = condition.predicate.op, condition.predicate.argument
        found: Check | None = None
        if op == "exists":
            there = is_there(slots.elements(reference), slots.present(reference))
            found = Check(there, answers, argument)
        elif isinstance(argument, Moment):
            moments = slots.moments(reference, is_relative=argument.is_relative)
            found = Check(moments, passes, TESTS[IN_TIME[op]](argument.ms))
        elif op == "len" and (test := of_clause(argument)):
            found = Check(slots.sizes(reference), passes, test)
        elif op in {"item", "all"} and (test := of_element(argument)):
            judge = every_passes if op == "all" else one_passes
            found = Check(slots.opened(reference), judge, test)
        elif op in {"not", "inot"}:
            found = self._of_absence(reference, argument)
        return found

    def _of_absence(self, reference: Reference, clause: Any) -> Check | None:
        unwanted = _unwanted(clause)
        if unwanted is not None:
            return Check(self._slots.filled(reference), is_none_of, unwanted)
        test = of_clause(clause)
        if test is None:
            return None
        slot, present = self._slots.elements(reference), self._slots.present(reference)
        return Check(none_passes(slot, test, present), answers, argument=True)

    def _of_elements(self, condition: Condition) -> Check:
        op, argument = condition.predicate.op, condition.predicate.argument
        slot = self._slots.elements(condition.reference)
        if op == "null" and argument is True:
            return Check(slot, equals, None)
        name = FOLDED.get(op, op)
        if name != op:
            slot = self._slots.folded(slot)
        if name in JUDGES:
            return _judged(slot, name, argument)
        if name in TESTS:
            return _tested(slot, TESTS[name](argument), is_cheap=name in CHEAP)
        return Check(asks(condition), answers, argument=True)

    def any_group(self, groups: tuple[Group, ...], *, wanted: bool) -> Check:
        """Return the check of whether all conditions of any one group hold, or of whether not."""
        alternatives = tuple(tuple(self.of(part) for part in group) for group in groups)

        def any_holds(look: Look) -> bool:
            for group in alternatives:
                for key, judge, argument in group:
                    if not judge(look[key], argument):
                        break
                else:
                    return True
            return False

        return Check(any_holds, answers, wanted)


def quick(access: Access) -> Check | None:
    """Return the check of whether a text begins, ends or goes on as one of an access's wants."""
    kinds = {kind for kind, _ in access.wants}
    if len(kinds) != 1:
        return None
    name = PARTS.get(kinds.pop())
    texts = tuple(text for _, text in access.wants)
    return None if name is None else _judged(access.slot, name, texts)


PARTS: Mapping[Kind, str] = {
    Kind.START: "prefix",
    Kind.END: "suffix",
    Kind.HOLDS: "contains",
}
IN_TIME: Mapping[str, str] = {"before": "lt", "after": "gt"}
"""What the operators on times are once the times are numbers."""
CHEAP = frozenset({"gt", "gte", "lt", "lte"})
"""Tests that cost no more than remembering their answer would."""


def _judged(slot: Key, name: str, argument: Any) -> Check:
    if name == "contains" and len(argument) == 1:
        return Check(slot, has, argument[0])
    return Check(slot, JUDGES[name], argument)


def _tested(slot: Key, test: Test, *, is_cheap: bool) -> Check:
    """Return the check of whether an element passes a test."""
    if is_cheap:
        return Check(slot, passes, test)
    return Check(lambda look: passes(look[slot], test), answers, argument=True)


def asks(condition: Condition) -> Key:
    """Return the key that asks the language itself."""
    return lambda look: holds(condition, look[scope_of])


def answers(value: Any, wanted: Any) -> bool:
    """Whether a key that answers true or false gave this answer."""
    return value is wanted


def always(_value: Any, _wanted: Any) -> bool:
    """Let every answer do."""
    return True


ALWAYS = Check(source_of, always, argument=None)
"""What every event meets."""


def equals(value: Any, wanted: Any) -> bool:
    """Whether an element equals an atom."""
    if type(value) is str:
        return bool(value == wanted)
    return wanted in value if type(value) in MANY else bool(value == wanted)


def is_in(value: Any, wanted: frozenset[Any]) -> bool:
    """Whether an element is one of several atoms."""
    return not wanted.isdisjoint(value) if type(value) in MANY else value in wanted


def begins(value: Any, wanted: tuple[str, ...]) -> bool:
    """Whether a text begins with one of these."""
    if type(value) is str:
        return value.startswith(wanted)
    return any(text.startswith(wanted) for text in texts(value))


def ends(value: Any, wanted: tuple[str, ...]) -> bool:
    """Whether a text ends with one of these."""
    if type(value) is str:
        return value.endswith(wanted)
    return any(text.endswith(wanted) for text in texts(value))


def contains(value: Any, wanted: tuple[str, ...]) -> bool:
    """Whether a text has one of these in it."""
    if type(value) is str:
        if len(wanted) == 1:
            return wanted[0] in value
        return any(part in value for part in wanted)
    return any(part in text for text in texts(value) for part in wanted)


def has(value: Any, wanted: str) -> bool:
    """Whether a text has this in it."""
    if type(value) is str:
        return wanted in value
    return any(wanted in text for text in texts(value))


def is_between(value: Any, ends: tuple[Any, Any]) -> bool:
    """Whether a number lies between two numbers, or a text between two texts."""
    kind = type(value)
    if kind in MANY:
        return any(is_between(part, ends) for part in value)
    low, high = ends
    if kind is int or kind is float:
        return type(low) is not str and bool(low <= value <= high)
    return kind is str and type(low) is str and bool(low <= value <= high)


def passes(value: Any, test: Test) -> bool:
    """Whether an element passes a test."""
    return any(map(test, value)) if type(value) in MANY else test(value)


def none_passes(slot: Key, test: Test, present: Key) -> Key:
    """Return the key of whether a value is there, and no element of it passes a test.

    No object may pass it, since the slot leaves objects out.
    """

    def none_does(look: Look) -> bool:
        value = look[slot]
        if value is MISSING:
            return bool(look[present])
        return not passes(value, test)

    return none_does


def is_there(slot: Key, present: Key) -> Key:
    """Return the key of whether there is any value."""
    return lambda look: look[slot] is not MISSING or bool(look[present])


def one_passes(values: list[Any], test: Test) -> bool:
    """Whether one of some elements passes a test."""
    return any(map(test, values))


def every_passes(values: list[Any], test: Test) -> bool:
    """Whether there are elements, and each passes a test."""
    return bool(values) and all(map(test, values))


def _unwanted(clause: Any) -> frozenset[Any] | None:
    """Return what no element may be, where a clause names the values themselves."""
    (condition, *others) = clause
    predicate = condition.predicate
    if others or condition.reference != ITSELF or isinstance(predicate.argument, Field):
        return None
    if predicate.op == "eq":
        return frozenset({predicate.argument})
    return predicate.argument if predicate.op == "in" else None


def is_none_of(value: Any, unwanted: frozenset[Any]) -> bool:
    """Whether there is a value, and no element of it is one of these."""
    if type(value) in MANY:
        return unwanted.isdisjoint(value)
    return value is not MISSING and value not in unwanted


JUDGES: Mapping[str, Judge] = {
    "eq": equals,
    "in": is_in,
    "prefix": begins,
    "suffix": ends,
    "contains": contains,
    "between": is_between,
}
"""Operators that are judged without anything made for the argument."""
