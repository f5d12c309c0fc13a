"""What the index is made of: nodes that an event is led through, each adding the rules it meets.

A `Branch` asks for one value and leads on by it; a `Leaf` asks what is left of a few conjunctions;
a `Wide` finds, among many that share no value to branch by, those worth asking.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, Self

from hookagent.rules.index.checks import ALWAYS, Check, Judge
from hookagent.rules.index.look import MANY, Key, Look
from hookagent.rules.index.probes import Probe

Entry = tuple[int, tuple[Check, ...]]
"""A rule's number, and what an event that came this far must still meet."""


class Node(Protocol):
    """A part of the index."""

    def visit(self, look: Look, found: list[int]) -> None:
        """Add the numbers of the rules below here that the event matches, some maybe twice."""


class Leaf(tuple[tuple[Key, Judge, Any, Any], ...]):
    """A few conjunctions, each asked.

    Of each the parts of its first check, then its number, or its number and its other checks where
    there are any. Most conjunctions fail their first check, and what is found in one object rather
    than in three is there sooner: with a hundred thousand rules the time goes into waiting for
    memory.
    """

    __slots__ = ()

    def __new__(cls, entries: Iterable[Entry]) -> Self:
        """Lay out some conjunctions."""
        return super().__new__(cls, (_laid_out(*entry) for entry in entries))

    def visit(self, look: Look, found: list[int]) -> None:
        for key, judge, argument, then in self:
            if judge(look[key], argument):
                if type(then) is int:
                    found.append(then)
                elif is_met(then[1], look):
                    found.append(then[0])


class Single(tuple[Key, Judge, Any, Any]):
    """One conjunction, laid out as one of a leaf: most leaves of large sets have no more."""

    __slots__ = ()

    def __new__(cls, entry: Entry) -> Self:
        """Lay out a conjunction."""
        return super().__new__(cls, _laid_out(*entry))

    def visit(self, look: Look, found: list[int]) -> None:
        key, judge, argument, then = self
        if judge(look[key], argument):
            if type(then) is int:
                found.append(then)
            elif is_met(then[1], look):
                found.append(then[0])


def _laid_out(number: int, checks: tuple[Check, ...]) -> tuple[Key, Judge, Any, Any]:
    first, *others = checks or (ALWAYS,)
    return (*first, (number, tuple(others)) if others else number)


def is_met(checks: Iterable[Check], look: Look) -> bool:
    """Whether an event meets all checks."""
    for key, judge, argument in checks:  # noqa: SIM110 - `all` makes a generator each time
        if not judge(look[key], argument):
            return False
    return True


Lengths = tuple[tuple[int, dict[str, Node]], ...]
"""Texts by their length."""


class Branch:
    """One place, and where its values lead."""

    __slots__ = ("ends", "equal", "has_parts", "rest", "slot", "starts")

    def __init__(
        self,
        slot: Key,
        equal: dict[Any, Node],
        starts: Lengths,
        ends: Lengths,
        rest: Node | None,
    ) -> None:
        self.slot = slot
        self.equal = equal
        self.starts = starts
        self.ends = ends
        self.has_parts = bool(starts or ends)
        self.rest = rest
        """Where every event goes too: conjunctions that do not ask for this place."""

    def visit(self, look: Look, found: list[int]) -> None:
        value = look[self.slot]
        kind = type(value)
        if kind is str:
            child = self.equal.get(value)
            if child is not None:
                child.visit(look, found)
            if self.has_parts:
                self._visit_parts(value, look, found)
        elif kind in MANY:
            self._visit_many(value, look, found)
        else:
            child = self.equal.get(value)
            if child is not None:
                child.visit(look, found)
        if self.rest is not None:
            self.rest.visit(look, found)

    def _visit_many(self, values: Any, look: Look, found: list[int]) -> None:
        equal = self.equal
        if len(values) > len(equal) and type(values) is frozenset:
            for value in equal.keys() & values:
                equal[value].visit(look, found)
        else:
            for value in values:
                child = equal.get(value)
                if child is not None:
                    child.visit(look, found)
        if self.has_parts:
            for value in values:
                if type(value) is str:
                    self._visit_parts(value, look, found)

    def _visit_parts(self, text: str, look: Look, found: list[int]) -> None:
        for length, table in self.starts:
            child = table.get(text[:length])
            if child is not None:
                child.visit(look, found)
        for length, table in self.ends:
            child = table.get(text[-length:])
            if child is not None:
                child.visit(look, found)


class Wide:
    """Many conjunctions, of which probes find those worth asking."""

    __slots__ = ("entries", "probes", "rest")

    def __init__(
        self, probes: Sequence[Probe], entries: Sequence[Entry], rest: Sequence[Entry]
    ) -> None:
        self.probes = tuple(probes)
        self.entries = tuple(entries)
        self.rest = Leaf(rest)
        """What no probe can find, so that every event is held against it."""

    def visit(self, look: Look, found: list[int]) -> None:
        hits: list[int] = []
        for probe in self.probes:
            probe.collect(look, hits)
        entries = self.entries
        for hit in set(hits) if hits else ():
            number, checks = entries[hit]
            if is_met(checks, look):
                found.append(number)
        if self.rest:
            self.rest.visit(look, found)
