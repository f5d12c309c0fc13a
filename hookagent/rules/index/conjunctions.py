"""A rule as conjunctions: lists of terms, all of which an event must meet.

`when`, one pattern of `on` and one group of `any` make a conjunction; `unless` and `during` are
terms of each. Where that would be too many, the choice stays one term that is asked as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from hookagent.rules.calendar import Calendar
from hookagent.rules.evaluate import is_on
from hookagent.rules.expressions import Expression
from hookagent.rules.index import access, computed
from hookagent.rules.index.access import Access, Cover, Kind, Range
from hookagent.rules.index.atoms import fits
from hookagent.rules.index.checks import Check, Checks, answers, passes
from hookagent.rules.index.look import Key, Slots, source_of, type_of
from hookagent.rules.model import Condition, Group, Pattern, Rule

CONJUNCTIONS_MAX = 32
"""A rule that would make more is indexed by a union of its choices instead."""
EVERYTHING = "*"


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One thing an event must meet, and how it can be looked up."""

    check: Check
    covers: tuple[Cover, ...] = ()


Conjunction = tuple[Term, ...]


class Splitter:
    """Turns rules into conjunctions; equal conditions share their terms."""

    def __init__(self) -> None:
        self.slots = Slots()
        self.checks = Checks(self.slots)
        self._terms: dict[Check, Term] = {}
        self._globs: dict[tuple[Key, tuple[str, ...]], Term] = {}

    def split(self, rule: Rule) -> Iterator[Conjunction]:
        """Return the conjunctions of a rule: it matches where one of them is met."""
        always = [self.term(condition) for condition in rule.when]
        last = self._residue(rule)
        origins = self._origins(rule.on)
        groups = [self._group(group) for group in rule.any] or [()]
        if len(origins) > CONJUNCTIONS_MAX:
            always.append(Term(_of_origins(rule.on), self._union(origins)))
            origins = [()]
        if len(origins) * len(groups) > CONJUNCTIONS_MAX:
            always.append(Term(self.checks.any_group(rule.any, wanted=True), self._union(groups)))
            groups = [()]
        for origin, group in product(origins, groups):
            terms = tuple(dict.fromkeys((*origin, *always, *group, *last)))
            yield (*_spans(terms), *terms)

    def term(self, condition: Condition) -> Term:
        """Return the term of one condition."""
        check = self.checks.of(condition)
        term = self._terms.get(check)
        if term is None:
            term = self._terms[check] = Term(check, self._covers(condition))
        return term

    def _covers(self, condition: Condition) -> tuple[Cover, ...]:
        argument = condition.predicate.argument
        if isinstance(argument, Expression):
            return computed.covers(argument.root, self.slots)
        return access.covers(condition, self.slots)

    def _group(self, group: Group) -> Conjunction:
        return tuple(self.term(condition) for condition in group)

    def _residue(self, rule: Rule) -> Conjunction:
        """Return the terms that nothing can be looked up by."""
        terms = []
        if rule.unless:
            terms.append(Term(self.checks.any_group(rule.unless, wanted=False)))
        calendar = rule.during
        if calendar is not None:
            terms.append(Term(Check(_is_open(calendar), answers, argument=True)))
        return tuple(terms)

    def _origins(self, patterns: tuple[Pattern, ...]) -> list[Conjunction]:
        """Return the choices of `on`, those of one source together."""
        types: dict[str, list[str]] = {}
        for pattern in patterns:
            types.setdefault(pattern.source, []).append(pattern.type)
        choices = []
        for source, its_types in types.items():
            choice = [self._origin(source_of, (source,))] if source != EVERYTHING else []
            if EVERYTHING not in its_types:
                choice.append(self._origin(type_of, tuple(its_types)))
            choices.append(tuple(choice))
        return choices or [()]

    def _origin(self, slot: Key, patterns: tuple[str, ...]) -> Term:
        term = self._globs.get((slot, patterns))
        if term is None:
            term = Term(Check(slot, passes, fits(patterns)), access.globs(slot, patterns))
            self._globs[slot, patterns] = term
        return term

    @staticmethod
    def _union(choices: list[Conjunction]) -> tuple[Cover, ...]:
        """Return a cover of any of these choices: one of each, where each has one."""
        accesses: list[Access] = []
        for choice in choices:
            covers = [cover for term in choice for cover in term.covers]
            if not covers:
                return ()
            accesses += min(covers, key=_width).accesses
        return (Cover(tuple(accesses), is_exact=False),)


def _spans(terms: Conjunction) -> Conjunction:
    """Return terms that look up `gt` and `lt` of one place together.

    An array may meet them with two elements; `probes.Ranges` asks for the span an array covers.
    """
    lows: dict[Key, tuple[Term, Range]] = {}
    highs: dict[Key, Range] = {}
    for term in terms:
        for cover in term.covers:
            slot, (kind, span) = cover.accesses[0].slot, cover.accesses[0].wants[0]
            if kind is Kind.RANGE and isinstance(span, Range):
                if span.high is None:
                    lows[slot] = (term, span)
                elif span.low is None:
                    highs[slot] = span
    return tuple(
        Term(
            term.check,
            (access.of(slot, ((Kind.RANGE, _joined(low, highs[slot])),), is_exact=False),),
        )
        for slot, (term, low) in lows.items()
        if slot in highs and highs[slot].is_text == low.is_text
    )


def _joined(low: Range, high: Range) -> Range:
    return replace(low, high=high.high, is_high_open=high.is_high_open)


def _width(cover: Cover) -> tuple[int, int]:
    """Order covers by how likely they are to be met: by kind, then by how many wants they have."""
    wants = [want for part in cover.accesses for want in part.wants]
    return (max(kind for kind, _ in wants), len(wants))


def _of_origins(patterns: tuple[Pattern, ...]) -> Check:
    return Check(lambda look: is_on(patterns, look.event), answers, argument=True)


def _is_open(calendar: Calendar) -> Key:
    return lambda look: calendar.is_open(look.event.received_at)
