"""Conditions compiled: each a key that answers true or false.

The common operators are written out for speed; everything else asks `operators.holds`, which is
what all of them are held against.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from hookagent.rules.index import literals
from hookagent.rules.index.look import MANY, Key, Look, Slots, scope_of
from hookagent.rules.model import Condition, Field, Group, Predicate
from hookagent.rules.operators import EXPR, holds
from hookagent.rules.patterns import (
    SUBJECT_BYTES_MAX,
    compiled,
    encoded,
    glob_program,
    has_word,
)

Test = Callable[[Any], bool]
"""Whether one atom meets what a condition asks."""


class Checks:
    """Makes the keys of conditions, one for all conditions that ask the same."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._made: dict[Any, Key] = {}

    def of(self, condition: Condition) -> Key:
        """Return the key of one condition."""
        reference = condition.reference
        place = (reference.area, reference.path, condition.predicate)
        check = self._made.get(place)
        if check is None:
            check = self._make(condition)
            if not is_cheap(condition.predicate):
                check = remembered(check)
            self._made[place] = check
        return check

    def _make(self, condition: Condition) -> Key:
        predicate = condition.predicate
        if predicate.op == EXPR or isinstance(predicate.argument, Field):
            return asks(condition)
        op = predicate.op
        is_folded = op in FOLDED
        name = FOLDED.get(op, op)
        if name not in TESTS and name not in {"eq", "in"}:
            return asks(condition)
        slot = self._slots.elements(condition.reference)
        if is_folded:
            slot = self._slots.folded(slot)
        if name == "eq":
            return equals(slot, predicate.argument)
        if name == "in":
            assert isinstance(predicate.argument, frozenset)
            return is_in(slot, predicate.argument)
        return passes(slot, TESTS[name](predicate.argument))

    def any_group(self, groups: tuple[Group, ...]) -> Key:
        """Return the key of whether all conditions of any one group hold."""
        alternatives = tuple(tuple(self.of(part) for part in group) for group in groups)

        def check(look: Look) -> bool:
            for group in alternatives:
                for part in group:
                    if not part(look):
                        break
                else:
                    return True
            return False

        return remembered(check)


def is_cheap(predicate: Predicate) -> bool:
    """Whether asking again costs no more than remembering the answer."""
    argument = predicate.argument
    many = isinstance(argument, tuple) and len(argument) > CHEAP_TEXTS_MAX
    return predicate.op in CHEAP and not many and not isinstance(argument, Field)


CHEAP = frozenset({"eq", "in", "prefix", "suffix", "contains", "gt", "gte", "lt", "lte", "between"})
CHEAP_TEXTS_MAX = 2


def remembered(check: Key) -> Key:
    """Return the key that asks once per event."""
    return lambda look: look[check]


def asks(condition: Condition) -> Key:
    """Return the key that asks the language itself."""

    def check(look: Look) -> bool:
        return holds(condition, look[scope_of])

    return check


def equals(slot: Key, wanted: Any) -> Key:
    """Return the key of whether an element equals an atom."""

    def check(look: Look) -> bool:
        value = look[slot]
        if type(value) is str:
            return bool(value == wanted)
        return wanted in value if type(value) in MANY else bool(value == wanted)

    return check


def is_in(slot: Key, wanted: frozenset[Any]) -> Key:
    """Return the key of whether an element is one of several atoms."""

    def check(look: Look) -> bool:
        value = look[slot]
        if type(value) in MANY:
            return not wanted.isdisjoint(value)
        return value in wanted

    return check


def passes(slot: Key, test: Test) -> Key:
    """Return the key of whether an element passes a test."""

    def check(look: Look) -> bool:
        value = look[slot]
        if type(value) is str:
            return test(value)
        return any(map(test, value)) if type(value) in MANY else test(value)

    return check


def _prefix(wanted: tuple[str, ...]) -> Test:
    return lambda value: type(value) is str and value.startswith(wanted)


def _suffix(wanted: tuple[str, ...]) -> Test:
    return lambda value: type(value) is str and value.endswith(wanted)


def _contains(wanted: tuple[str, ...]) -> Test:
    if len(wanted) == 1:
        text = wanted[0]
        return lambda value: type(value) is str and text in value
    return lambda value: type(value) is str and any(text in value for text in wanted)


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
    "prefix": _prefix,
    "suffix": _suffix,
    "contains": _contains,
    "word": _words,
    "glob": fits,
    "regex": _regexes,
    "gt": _ordered(operator.gt),
    "gte": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "lte": _ordered(operator.le),
    "between": _between,
}
FOLDED: Mapping[str, str] = {
    f"i{name}": name for name in ("eq", "in", "prefix", "suffix", "contains", "word", "glob")
}
