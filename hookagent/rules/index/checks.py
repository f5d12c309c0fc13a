"""Conditions compiled: each a key that answers true or false.

The common operators are written out for speed; everything else asks `operators.holds`, which is
what all of them are held against.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hookagent.lookup import MISSING
from hookagent.rules.index import literals
from hookagent.rules.index.access import Access, Kind
from hookagent.rules.index.look import MANY, Key, Look, Slots, scope_of, source_of, texts
from hookagent.rules.model import Condition, Field, Group
from hookagent.rules.operators import EXPR, holds
from hookagent.rules.patterns import (
    SUBJECT_BYTES_MAX,
    compiled,
    encoded,
    glob_program,
    has_word,
)
from hookagent.rules.scope import ITSELF

Test = Callable[[Any], bool]
"""Whether one atom meets what a condition asks."""
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
        slot = self._slots.elements(condition.reference)
        present = self._slots.present(condition.reference)
        if op == "exists":
            return Check(is_there(slot, present), answers, argument)
        if op in {"not", "inot"} and (test := of_clause(argument)):
            return Check(none_passes(slot, test, present), answers, argument=True)
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


def of_clause(clause: Any) -> Test | None:
    """Return the test of one element against a clause, None for what has to be asked."""
    tests = []
    for condition in clause:
        predicate = condition.predicate
        name = FOLDED.get(predicate.op, predicate.op)
        is_plain = condition.reference == ITSELF and not isinstance(predicate.argument, Field)
        if name not in TESTS or not is_plain:
            return None
        test = TESTS[name](predicate.argument)
        tests.append(test if name == predicate.op else _folding(test))
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _folding(test: Test) -> Test:
    return lambda value: test(value.casefold() if type(value) is str else value)


def _equal(wanted: Any) -> Test:
    return lambda value: bool(value == wanted)


def _in(wanted: frozenset[Any]) -> Test:
    return lambda value: value in wanted


def _prefix(wanted: tuple[str, ...]) -> Test:
    return lambda value: type(value) is str and value.startswith(wanted)


def _suffix(wanted: tuple[str, ...]) -> Test:
    return lambda value: type(value) is str and value.endswith(wanted)


def _words(wanted: tuple[str, ...]) -> Test:
    return lambda value: type(value) is str and any(has_word(text, value) for text in wanted)


def fits(patterns: tuple[str, ...]) -> Test:
    """Return the test of whether a text fits one of some globs."""
    tests = tuple(_glob(pattern) for pattern in patterns)
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _glob(pattern: str) -> Test:
    """Return the test of one glob; one with nothing but `*` in it needs no automaton."""
    found = literals.of_glob(pattern)
    if not found.is_whole:
        fullmatch = glob_program(pattern).fullmatch
        return lambda value: type(value) is str and fullmatch(encoded(value)) is not None
    runs = found.runs
    if found.starts and found.ends and len(runs) == 1:
        return lambda value: type(value) is str and bool(value == runs[0])
    head = runs.pop(0) if found.starts else ""
    tail = runs.pop() if found.ends else ""
    if not runs:
        least = len(head) + len(tail)
        return lambda value: (
            type(value) is str
            and len(value) >= least
            and value.startswith(head)
            and value.endswith(tail)
        )
    return lambda value: type(value) is str and _in_order(value, head, runs, tail)


def _in_order(text: str, head: str, runs: list[str], tail: str) -> bool:
    """Whether a text begins and ends so, with all runs between, one after the other."""
    place, end = len(head), len(text) - len(tail)
    if place > end or not text.startswith(head) or not text.endswith(tail):
        return False
    for run in runs:
        place = text.find(run, place, end)
        if place < 0:
            return False
        place += len(run)
    return True


def _regexes(patterns: tuple[str, ...]) -> Test:
    searches = tuple(compiled(pattern).search for pattern in patterns)

    def test(value: Any) -> bool:
        if type(value) is not str:
            return False
        subject = encoded(value[:SUBJECT_BYTES_MAX])[:SUBJECT_BYTES_MAX]
        return any(search(subject) is not None for search in searches)

    return test


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any], Test]:
    def make(limit: Any) -> Test:
        if isinstance(limit, str):
            return lambda value: type(value) is str and compare(value, limit)
        return lambda value: (type(value) is int or type(value) is float) and compare(value, limit)

    return make


def _between(ends: tuple[Any, Any]) -> Test:
    low, high = ends
    if isinstance(low, str):
        return lambda value: type(value) is str and low <= value <= high
    return lambda value: (type(value) is int or type(value) is float) and low <= value <= high


TESTS: Mapping[str, Callable[[Any], Test]] = {
    "eq": _equal,
    "in": _in,
    "prefix": _prefix,
    "suffix": _suffix,
    "contains": lambda wanted: lambda value: contains(value, wanted),
    "word": _words,
    "glob": fits,
    "regex": _regexes,
    "gt": _ordered(operator.gt),
    "gte": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "lte": _ordered(operator.le),
    "between": _between,
}
JUDGES: Mapping[str, Judge] = {
    "eq": equals,
    "in": is_in,
    "prefix": begins,
    "suffix": ends,
    "contains": contains,
    "between": is_between,
}
"""Operators that are judged without anything made for the argument."""
FOLDED: Mapping[str, str] = {
    f"i{name}": name for name in ("eq", "in", "prefix", "suffix", "contains", "word", "glob")
}
