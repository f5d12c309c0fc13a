"""Conditions compiled: each a key that answers true or false.

The common operators are written out for speed; everything else asks `operators.holds`, which is
what all of them are held against.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from hookagent.rules.index.look import MANY, Key, Look, Slots, scope_of
from hookagent.rules.model import Condition, Field, Group
from hookagent.rules.operators import EXPR, holds
from hookagent.rules.patterns import fits_glob, found_by, has_word

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
            check = self._made[place] = self._make(condition)
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
                    if not look[part]:
                        break
                else:
                    return True
            return False

        return check


def asks(condition: Condition) -> Key:
    """Return the key that asks the language itself."""

    def check(look: Look) -> bool:
        return holds(condition, look[scope_of])

    return check


def equals(slot: Key, wanted: Any) -> Key:
    """Return the key of whether an element equals an atom."""

    def check(look: Look) -> bool:
        value = look[slot]
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


def _any_text(fits: Callable[[str, str], bool]) -> Callable[[tuple[str, ...]], Test]:
    def make(wanted: tuple[str, ...]) -> Test:
        return lambda value: type(value) is str and any(fits(text, value) for text in wanted)

    return make


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
    "word": _any_text(has_word),
    "glob": _any_text(fits_glob),
    "regex": _any_text(found_by),
    "gt": _ordered(operator.gt),
    "gte": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "lte": _ordered(operator.le),
    "between": _between,
}
FOLDED: Mapping[str, str] = {
    f"i{name}": name for name in ("eq", "in", "prefix", "suffix", "contains", "word", "glob")
}
