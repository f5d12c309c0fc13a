"""The operators: one table, from which reading, matching, explaining, schema and docs are made.

An operator decides over all values a reference reached. Most look at elements (a list stands for
what is in it, and any element will do); some look at values as they are (`len`, `empty`, `type`);
`exists` needs none. Adding an operator is one entry in `OPERATORS`.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hookagent.lookup import MISSING
from hookagent.rules.arguments import TYPES, Kind, Moment, moment_ms, operand
from hookagent.rules.changed import Change, is_changed
from hookagent.rules.comparing import (
    AT_LEAST,
    AT_MOST,
    Check,
    any_text,
    equals,
    is_between,
    is_in,
    is_within,
    orders,
)
from hookagent.rules.expressions import Expression, is_true
from hookagent.rules.model import Condition, Field, Group
from hookagent.rules.patterns import fits_glob, found_by, has_word
from hookagent.rules.scope import ITSELF, Scope, elements

Decide = Callable[[Any, list[Any], Scope], bool]
"""Whether the values a reference reached meet an argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One word of the language."""

    name: str
    kind: Kind
    decide: Decide
    about: str
    """Completes the sentence `a value that …`."""
    example: str
    """The right side, as TOML."""
    of_value: bool = False
    """Whether it looks at values as they are rather than at elements of lists."""
    folds: bool = False
    """Whether it is the form with `i`: case does not matter."""


def holds(condition: Condition, scope: Scope) -> bool:
    """Whether one condition is met."""
    predicate = condition.predicate
    if predicate.op == EXPR:
        assert isinstance(predicate.argument, Expression)
        return is_true(predicate.argument, scope)
    values = scope.values(condition.reference)
    return OPERATORS[predicate.op].decide(predicate.argument, values, scope)


def all_hold(group: Group, scope: Scope) -> bool:
    """Whether every condition of a group is met."""
    return all(holds(condition, scope) for condition in group)


EXPR = "expr"
"""The operator of a condition that is an expression; it is not written as an operator."""


def _any_element(kind: Kind, check: Check, *, folds: bool = False) -> Decide:
    """Make an operator that one element is enough for."""

    def decide(argument: Any, values: list[Any], scope: Scope) -> bool:
        found = elements(values)
        if folds:
            found = [_folded(value) for value in found]
        if not isinstance(argument, Field):
            return any(check(argument, value) for value in found)
        for other in elements(scope.values(argument.reference)):
            right = operand(kind, _folded(other) if folds else other)
            if right is not MISSING and any(check(right, value) for value in found):
                return True
        return False

    return decide


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _in_time(compare: Callable[[int, int], bool]) -> Decide:
    """Make an operator that compares times; a number is Unix seconds or milliseconds."""

    def decide(argument: Any, values: list[Any], scope: Scope) -> bool:
        limits: list[Moment] = [argument]
        if isinstance(argument, Field):
            others = elements(scope.values(argument.reference))
            made = [operand(Kind.MOMENT, other) for other in others]
            limits = [moment for moment in made if moment is not MISSING]
        now = scope.event.received_at
        moments = [moment for value in elements(values) if (moment := moment_ms(value)) is not None]
        return any(compare(moment, limit.resolve(now)) for moment in moments for limit in limits)

    return decide


def _exists(argument: Any, values: list[Any], _scope: Scope) -> bool:
    return bool(values) is argument


def _is_null(argument: Any, values: list[Any], _scope: Scope) -> bool:
    return bool(values) and any(value is None for value in elements(values)) is argument


def _is_empty(argument: Any, values: list[Any], _scope: Scope) -> bool:
    found = any(value is None or value in ("", [], {}) for value in values)
    return bool(values) and found is argument


def _has_type(argument: Any, values: list[Any], _scope: Scope) -> bool:
    return any(TYPES[name](value) for name in argument for value in values)


def _has_length(argument: Any, values: list[Any], scope: Scope) -> bool:
    sized = [value for value in values if isinstance(value, str | list | dict)]
    return any(all_hold(argument, scope.at(len(value))) for value in sized)


def _candidates(clause: Group, values: list[Any]) -> list[Any]:
    """Return what a clause judges one by one: elements, or whole values where it asks for those."""
    of_value = any(
        condition.reference is ITSELF and OPERATORS[condition.predicate.op].of_value
        for condition in clause
        if condition.predicate.op != EXPR
    )
    return values if of_value else elements(values)


def _no_element(argument: Any, values: list[Any], scope: Scope) -> bool:
    if not values or any(_lacks_operand(condition, scope) for condition in argument):
        return False
    found = _candidates(argument, values)
    return not any(all_hold(argument, scope.at(value)) for value in found)


def _lacks_operand(condition: Condition, scope: Scope) -> bool:
    """Whether the right side is a field that is missing: then `not` is false as well."""
    right = condition.predicate.argument
    return isinstance(right, Field) and not scope.values(right.reference)


def _one_element(argument: Any, values: list[Any], scope: Scope) -> bool:
    return any(all_hold(argument, scope.at(value)) for value in _candidates(argument, values))


def _every_element(argument: Any, values: list[Any], scope: Scope) -> bool:
    found = _candidates(argument, values)
    return bool(found) and all(all_hold(argument, scope.at(value)) for value in found)


def _has_changed(argument: Change, values: list[Any], scope: Scope) -> bool:
    return bool(values) and is_changed(argument, values, scope) is argument.is_expected


def _element(name: str, kind: Kind, check: Check, about: str, example: str) -> Operator:
    decide = _any_element(kind, check)
    return Operator(name=name, kind=kind, decide=decide, about=about, example=example)


def _of_text(name: str, kind: Kind, check: Check, about: str, example: str) -> list[Operator]:
    """Make an operator on text, and its form with `i` in front."""
    exact = _element(name, kind, check, about, example)
    any_case = replace(
        exact,
        name=f"i{name}",
        decide=_any_element(kind, check, folds=True),
        about=f"{about}, in any case",
        folds=True,
    )
    return [exact, any_case]


def _found_in_any_case(pattern: str, text: str) -> bool:
    return found_by(pattern, text, is_folded=True)


_TABLE: list[Operator] = [
    *_of_text("eq", Kind.SCALAR, equals, "is equal", '"open"'),
    *_of_text("in", Kind.SCALARS, is_in, "is one of these", '["new", "open"]'),
    Operator(
        name="not",
        kind=Kind.CLAUSE,
        decide=_no_element,
        about="is there, and no element of it meets this",
        example='{ suffix = "@example.com" }',
    ),
    Operator(
        name="inot",
        kind=Kind.CLAUSE,
        decide=_no_element,
        about="is there, and no element of it is one of these, in any case",
        example='["test", "demo"]',
        folds=True,
    ),
    *_of_text(
        "prefix",
        Kind.TEXTS,
        any_text(lambda text, value: value.startswith(text)),
        "begins with this",
        '"release/"',
    ),
    *_of_text(
        "suffix",
        Kind.TEXTS,
        any_text(lambda text, value: value.endswith(text)),
        "ends with this",
        '"[bot]"',
    ),
    *_of_text(
        "contains",
        Kind.TEXTS,
        any_text(lambda text, value: text in value),
        "has this anywhere in it",
        '["outage", "down"]',
    ),
    *_of_text(
        "word",
        Kind.TEXTS,
        any_text(has_word),
        "has this as a word of its own",
        '"refund"',
    ),
    *_of_text(
        "glob",
        Kind.GLOBS,
        any_text(fits_glob),
        "fits this glob as a whole (`*` any run, `?` one character, `[ab]`, `[!ab]`)",
        '"v*.0"',
    ),
    _element(
        "regex",
        Kind.REGEXES,
        any_text(found_by),
        "has a match of this RE2 expression anywhere in it",
        "'^v\\d+$'",
    ),
    replace(
        _element(
            "iregex",
            Kind.REGEXES,
            any_text(_found_in_any_case),
            "has a match of this RE2 expression anywhere in it, in any case",
            "'urgent|asap'",
        ),
        folds=True,
    ),
    _element(
        "cidr",
        Kind.NETWORKS,
        is_within,
        "is an address in this range",
        '"192.0.2.0/24"',
    ),
    _element("gt", Kind.ORDERED, orders(operator.gt), "is greater", "100"),
    _element("gte", Kind.ORDERED, AT_LEAST, "is greater or equal", "100"),
    _element("lt", Kind.ORDERED, orders(operator.lt), "is less", '{ field = "minimum" }'),
    _element("lte", Kind.ORDERED, AT_MOST, "is less or equal", "0.5"),
    _element("between", Kind.PAIR, is_between, "lies between these, both included", "[400, 499]"),
    Operator(
        name="before",
        kind=Kind.MOMENT,
        decide=_in_time(operator.lt),
        about="is a time before this one",
        example='"now+3d"',
    ),
    Operator(
        name="after",
        kind=Kind.MOMENT,
        decide=_in_time(operator.gt),
        about="is a time after this one",
        example='"2026-01-31T12:00:00Z"',
    ),
    Operator(
        name="exists",
        kind=Kind.FLAG,
        decide=_exists,
        about="is there at all (null and empty lists are) or, with false, is not",
        example="false",
        of_value=True,
    ),
    Operator(
        name="null",
        kind=Kind.FLAG,
        decide=_is_null,
        about="is null or, with false, is there and not null",
        example="true",
    ),
    Operator(
        name="empty",
        kind=Kind.FLAG,
        decide=_is_empty,
        about="is null, an empty text, list or object or, with false, is there and none of these",
        example="false",
        of_value=True,
    ),
    Operator(
        name="type",
        kind=Kind.TYPES,
        decide=_has_type,
        about="is of this JSON type (string number integer boolean null array object)",
        example='"array"',
        of_value=True,
    ),
    Operator(
        name="len",
        kind=Kind.LENGTH,
        decide=_has_length,
        about="has this length: characters of a text, elements of a list, members of an object",
        example="{ gte = 2 }",
        of_value=True,
    ),
    Operator(
        name="all",
        kind=Kind.ITEM,
        decide=_every_element,
        about="has elements, and each meets this",
        example='{ prefix = "docs/" }',
    ),
    Operator(
        name="item",
        kind=Kind.ITEM,
        decide=_one_element,
        about="has an element that meets all of this by itself",
        example='{ sku = "A-1", quantity = { gte = 3 } }',
    ),
    Operator(
        name="changed",
        kind=Kind.CHANGE,
        decide=_has_changed,
        about="is no longer what it was, as the event itself says",
        example="true",
        of_value=True,
    ),
]

OPERATORS: dict[str, Operator] = {entry.name: entry for entry in _TABLE}
"""Every operator by name."""
FIELD = "field"
"""In place of a literal: `{ field = "path" }`, another value of the event."""
