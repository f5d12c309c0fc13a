"""By what a condition can be looked up: the keys of an index.

A *cover* is a choice of keys, at least one of which every event has that meets the condition. An
exact cover says more: the event that has one of its keys meets the condition, which then need not
be asked again.
"""

import ipaddress
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from hookagent.rules.arguments import Moment
from hookagent.rules.index import literals
from hookagent.rules.index.look import MANY, Key, Slots
from hookagent.rules.model import Condition, Field, Group
from hookagent.rules.operators import EXPR
from hookagent.rules.scope import ITEM
from hookagent.subject import Reference


class Kind(IntEnum):
    """How a key is looked up."""

    EQUAL = 0
    START = 1
    END = 2
    HOLDS = 3
    """The text has this anywhere in it."""
    RANGE = 4
    NETWORK = 5
    PATTERN = 6
    """An `Expression`, tried together with all others of its slot."""
    PRESENT = 7
    """Any value at all: what is left where nothing more can be told."""


HASHED = frozenset({Kind.EQUAL, Kind.START, Kind.END})
"""Kinds that are found by hashing a value or a part of it."""
Want = tuple[Kind, Hashable]


class Expression(NamedTuple):
    """A regular expression or a glob, to be tried with others."""

    pattern: str
    is_folded: bool = False
    """Whether case does not matter."""
    is_glob: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """One place of an event and what may stand there."""

    slot: Key
    wants: tuple[Want, ...]
    is_hashed: bool


@dataclass(frozen=True, slots=True)
class Cover:
    """Alternatives, of which an event that meets the condition has one."""

    accesses: tuple[Access, ...]
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Range:
    """What is ordered: from low to high, None where there is no end; all texts or all numbers."""

    is_text: bool
    low: Any = None
    high: Any = None
    is_low_open: bool = False
    is_high_open: bool = False


def of(slot: Key, wants: tuple[Want, ...], *, is_exact: bool) -> Cover:
    """Make a cover of one place."""
    return Cover((Access(slot, wants, all(kind in HASHED for kind, _ in wants)),), is_exact)


def covers(condition: Condition, slots: Slots) -> tuple[Cover, ...]:
    """Return the ways to look a condition up: by whether there is a value where nothing else helps.

    None for an expression (`computed` knows those), and for what says that nothing is there.
    """
    predicate = condition.predicate
    if predicate.op == EXPR or (predicate.op == "exists" and predicate.argument is False):
        return ()
    if isinstance(predicate.argument, Field):
        others = (condition.reference, predicate.argument.reference)
        return tuple(present(it, slots) for it in others if it.area != ITEM)
    return _of_parts(condition, slots) or (present(condition.reference, slots),)


def _of_parts(condition: Condition, slots: Slots) -> tuple[Cover, ...]:
    """Return the covers by values, or by what is made of them."""
    reference = condition.reference
    op, argument = condition.predicate.op, condition.predicate.argument
    if isinstance(argument, Moment):
        moments = slots.moments(reference, is_relative=argument.is_relative)
        return _in_time(op, argument, moments)
    if op == "len" and isinstance(argument, tuple):
        return _of_length(slots.sizes(reference), argument)
    if op in {"item", "all"} and isinstance(argument, tuple):
        return _of_elements(reference, argument, slots)
    slot = slots.elements(reference)
    if op == "iregex" and isinstance(argument, tuple):
        return _folded_regexes(slot, slots.folded(slot), argument)
    if op in FOLDED:
        slot = slots.folded(slot)
        op = FOLDED[op]
    make = _MAKERS.get(op)
    return make(slot, argument) if make else ()


def present(reference: Reference, slots: Slots) -> Cover:
    """Return the cover of whether there is any value, which all but `exists = false` need."""
    return of(slots.present(reference), ((Kind.PRESENT, True),), is_exact=False)


FOLDED = {f"i{name}": name for name in ("eq", "in", "prefix", "suffix", "contains", "word", "glob")}


def _of_elements(outer: Reference, clause: Group, slots: Slots) -> tuple[Cover, ...]:
    """Return the covers of what one element must meet: some element of all does."""
    found: list[Cover] = []
    for condition in clause:
        inner = condition.reference
        if inner.area != ITEM or (inner.path and (outer.area or isinstance(inner.path[0], int))):
            continue
        joined = Reference(outer.text + inner.text, outer.area, outer.path + inner.path)
        found.extend(
            Cover(cover.accesses, is_exact=False)
            for cover in covers(Condition(joined, condition.predicate), slots)
        )
    return tuple(found)


def _of_length(sizes: Key, clause: Group) -> tuple[Cover, ...]:
    """Return the covers of what a length must be."""
    return tuple(
        Cover(cover.accesses, is_exact=False)
        for condition in clause
        for make in [_MAKERS.get(condition.predicate.op)]
        if make is not None and not isinstance(condition.predicate.argument, Field)
        for cover in make(sizes, condition.predicate.argument)
    )


def _in_time(op: str, moment: Moment, moments: Key) -> tuple[Cover, ...]:
    span = (
        Range(is_text=False, low=moment.ms, is_low_open=True)
        if op == "after"
        else Range(is_text=False, high=moment.ms, is_high_open=True)
    )
    return (of(moments, ((Kind.RANGE, span),), is_exact=False),)


def _equal(slot: Key, argument: Any) -> tuple[Cover, ...]:
    return (of(slot, ((Kind.EQUAL, argument),), is_exact=True),)


def _in(slot: Key, argument: Any) -> tuple[Cover, ...]:
    return (of(slot, tuple((Kind.EQUAL, value) for value in argument), is_exact=True),)


def _null(slot: Key, argument: Any) -> tuple[Cover, ...]:
    return _equal(slot, None) if argument is True else ()


def _texts(kind: Kind, *, is_exact: bool = True) -> Callable[[Key, Any], tuple[Cover, ...]]:
    def make(slot: Key, argument: Any) -> tuple[Cover, ...]:
        return (of(slot, tuple((kind, text) for text in argument), is_exact=is_exact),)

    return make


def globs(slot: Key, patterns: tuple[str, ...]) -> tuple[Cover, ...]:
    """Return the covers of a glob, or of several any of which will do."""
    if not all(pattern.strip("*") for pattern in patterns):
        return ()
    choices = [_of_glob(pattern) for pattern in patterns]
    if len(choices) == 1 and choices[0] and choices[0][0][1]:
        return tuple(of(slot, (want,), is_exact=True) for want, _ in choices[0])
    tried = of(slot, _tried(patterns, is_glob=True), is_exact=False)
    if not all(choices):
        return (tried,)
    if len(choices) == 1:
        return (*(of(slot, (want,), is_exact=False) for want, _ in choices[0]), tried)
    first = [choice[0] for choice in choices]
    wants = tuple(want for want, _ in first)
    return (of(slot, wants, is_exact=all(is_exact for _, is_exact in first)), tried)


def _tried(
    patterns: tuple[str, ...], *, is_folded: bool = False, is_glob: bool = False
) -> tuple[Want, ...]:
    return tuple((Kind.PATTERN, Expression(pattern, is_folded, is_glob)) for pattern in patterns)


def _of_glob(pattern: str) -> list[tuple[Want, bool]]:
    """Return what a text needs to fit a glob, the best first."""
    found = literals.of_glob(pattern)
    if not found.runs:
        return []
    is_exact = found.is_whole and len(found.runs) == 1
    if is_exact and found.starts and found.ends:
        return [((Kind.EQUAL, found.runs[0]), True)]
    return _ends_first(found, is_exact=is_exact)


def _ends_first(found: literals.Runs, *, is_exact: bool) -> list[tuple[Want, bool]]:
    choices: list[tuple[Want, bool]] = []
    if found.starts:
        choices.append(((Kind.START, found.runs[0]), is_exact))
    if found.ends:
        choices.append(((Kind.END, found.runs[-1]), is_exact))
    longest = max(found.runs, key=len)
    if not choices or len(longest) > len(str(choices[0][0][1])):
        choices.append(((Kind.HOLDS, longest), is_exact))
    return choices


def _regexes(slot: Key, patterns: tuple[str, ...]) -> tuple[Cover, ...]:
    found = [of(slot, _tried(patterns), is_exact=True)]
    wants = [want for pattern in patterns for want in _of_regex(pattern)]
    if all(map(_of_regex, patterns)):
        found.append(of(slot, tuple(wants), is_exact=False))
    return tuple(found)


def _folded_regexes(slot: Key, folded: Key, patterns: tuple[str, ...]) -> tuple[Cover, ...]:
    """Return the covers of expressions in any case; only ASCII folds alike in RE2 and Unicode."""
    tried = of(slot, _tried(patterns, is_folded=True), is_exact=True)
    wants: list[Want] = []
    for pattern in patterns:
        texts = _of_regex(pattern) if pattern.isascii() else ()
        if not texts:
            return (tried,)
        wants += [(kind, str(text).lower()) for kind, text in texts]
    return (tried, of(folded, tuple(wants), is_exact=False))


def _of_regex(pattern: str) -> tuple[Want, ...]:
    """Return what a text has one of where an expression matches, none where that is not plain."""
    run = literals.of_regex(pattern)
    if run and run.runs:
        want = _ends_first(run, is_exact=False)[0][0]
        if len(max(run.runs, key=len)) >= PLAIN_MIN:
            return (want,)
    texts = literals.any_of_regex(pattern)
    return tuple((Kind.HOLDS, text) for text in texts)


PLAIN_MIN = 3
"""With a shorter run than this the texts of an expression's groups may be worth more."""


def _ordered(*, low: bool, is_open: bool) -> Callable[[Key, Any], tuple[Cover, ...]]:
    def make(slot: Key, argument: Any) -> tuple[Cover, ...]:
        is_text = isinstance(argument, str)
        span = (
            Range(is_text, low=argument, is_low_open=is_open)
            if low
            else Range(is_text, high=argument, is_high_open=is_open)
        )
        return (of(slot, ((Kind.RANGE, span),), is_exact=False),)

    return make


def _between(slot: Key, argument: Any) -> tuple[Cover, ...]:
    low, high = argument
    span = Range(isinstance(low, str), low=low, high=high)
    return (of(slot, ((Kind.RANGE, span),), is_exact=False),)


_MAKERS: Mapping[str, Callable[[Key, Any], tuple[Cover, ...]]] = {
    "eq": _equal,
    "in": _in,
    "null": _null,
    "prefix": _texts(Kind.START),
    "suffix": _texts(Kind.END),
    "contains": _texts(Kind.HOLDS),
    "word": _texts(Kind.HOLDS, is_exact=False),
    "glob": globs,
    "regex": _regexes,
    "cidr": _texts(Kind.NETWORK),
    "gt": _ordered(low=True, is_open=True),
    "gte": _ordered(low=True, is_open=False),
    "lt": _ordered(low=False, is_open=True),
    "lte": _ordered(low=False, is_open=False),
    "between": _between,
}


def addresses(value: Any) -> list[tuple[int, int]]:
    """Return the IP addresses in an answer as version and number, as `cidr` reads them."""
    found: list[tuple[int, int]] = []
    for part in value if type(value) in MANY else (value,):
        if type(part) is str:
            try:
                address = ipaddress.ip_address(part.strip())
            except ValueError:
                continue
            mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
            address = mapped or address
            found.append((address.version, int(address)))
    return found
