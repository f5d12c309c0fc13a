"""Tests of one element: what a condition asks of a value, compiled.

A test takes an atom (`model.atom`) and is total; one of a whole element takes any JSON value.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from hookagent.lookup import Path, find
from hookagent.rules.index import literals
from hookagent.rules.model import Field, atom
from hookagent.rules.patterns import (
    SUBJECT_BYTES_MAX,
    compiled,
    encoded,
    glob_program,
    has_word,
)
from hookagent.rules.scope import ITEM, ITSELF, elements

Test = Callable[[Any], bool]
"""Whether one atom meets what a condition asks."""


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


def of_element(clause: Any) -> Test | None:
    """Return the test of one element, an object or not; None for a clause that has to be asked."""
    parts: list[tuple[Path, Test]] = []
    for condition in clause:
        reference, predicate = condition.reference, condition.predicate
        name = FOLDED.get(predicate.op, predicate.op)
        if name not in TESTS or isinstance(predicate.argument, Field) or reference.area != ITEM:
            return None
        test = TESTS[name](predicate.argument)
        parts.append((reference.path, test if name == predicate.op else _folding(test)))

    def meets(element: Any) -> bool:
        for path, test in parts:
            for value in elements(find(path, element)):
                if type(value) is not dict and test(atom(value)):
                    break
            else:
                return False
        return True

    return meets


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


def _contains(wanted: tuple[str, ...]) -> Test:
    return lambda value: type(value) is str and any(part in value for part in wanted)


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
