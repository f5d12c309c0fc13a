"""Grows the index: at every node the place that tells most conjunctions apart."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from hookagent.lookup import Path
from hookagent.rules.index import probes
from hookagent.rules.index.access import HASHED, Access, Cover, Kind, Range, Want
from hookagent.rules.index.checks import Check, answers, quick
from hookagent.rules.index.conjunctions import Conjunction, Term
from hookagent.rules.index.look import Key, source_of, type_of
from hookagent.rules.index.nodes import Branch, Entry, Leaf, Lengths, Node, Single, Wide
from hookagent.rules.index.sieve import Sieve
from hookagent.rules.model import Flag

LEAF_MAX = 4
"""So few conjunctions are asked one after the other."""
WIDE_MIN = 16
"""So many conjunctions that share no place to branch by are worth probes."""
SPREAD_MAX = 64
"""How many branches one conjunction may stand in."""
SHARE_MIN = 16
"""A place that fewer than one in so many conjunctions ask for is not branched by."""
COVERED_MIN = 3
SIEVE_MIN = 16
"""So many places are looked at whether the event has them or not."""
PARTIAL = 0.8
"""What a condition on a text's beginning or end counts for, beside an equal value's 1."""

FIRST: dict[Key, int] = {source_of: 8, type_of: 4}
"""Places to branch by early: known of every event, and what sets of rules differ in most."""

Item = tuple[int, Conjunction, int]
"""A rule's number, the terms still to be met, and in how many branches it stands already."""
Hashed = dict[Key, Access]
"""By place, what some terms can be branched by."""
Pause = Callable[[], None]


class Grower:
    """Builds nodes; calls `pause` now and then, for whoever shares the processor."""

    def __init__(self, pause: Pause, paths: Mapping[Key, Path]) -> None:
        self._pause = pause
        self._paths = paths
        self._checks: dict[Access, Check | None] = {}

    def grow(self, items: Sequence[Item]) -> Node:
        """Return the node of some conjunctions."""
        self._pause()
        if len(items) == 1:
            number, terms, _ = items[0]
            return Single(self._entry(number, terms))
        if len(items) <= LEAF_MAX:
            return Leaf([self._entry(number, terms) for number, terms, _ in items])
        parted = self._parted(items)
        if parted is not None:
            return self._branch(parted)
        if len(items) < WIDE_MIN:
            return Leaf([self._entry(number, terms) for number, terms, _ in items])
        return self._wide(items)

    def _entry(self, number: int, terms: Conjunction) -> Entry:
        """Return what is left to ask, what will most often say no first.

        Before a pattern that is long to try stands a text it needs.
        """
        asked = [(_rank(term), term.check) for term in terms]
        asked += [
            (RANKS[Kind.HOLDS], needed)
            for term in terms
            if term.check.judge is answers and (needed := self._needed(term)) is not None
        ]
        asked.sort(key=_by_rank)
        return number, tuple(dict.fromkeys([check for _, check in asked]))

    def _needed(self, term: Term) -> Check | None:
        """Return a quick check that everything passes which meets a term, None for none."""
        for cover in reversed(term.covers):
            if len(cover.accesses) == 1:
                access = cover.accesses[0]
                if access not in self._checks:
                    self._checks[access] = quick(access)
                if (check := self._checks[access]) is not None:
                    return check
        return None

    @staticmethod
    def _best(hashed: Sequence[Hashed]) -> Key | None:
        """Return the place to branch by: asked for by many, in many different ways."""
        wants: dict[Key, Counter[Want]] = defaultdict(Counter)
        covered: Counter[Key] = Counter()
        for accesses in hashed:
            for slot, access in accesses.items():
                covered[slot] += 1
                counts = wants[slot]
                for want in access.wants:
                    counts[want] += 1
        best, best_score = None, 0.0
        for slot, count in covered.items():
            if count < max(COVERED_MIN, len(hashed) // SHARE_MIN):
                continue
            score = _score(count, wants[slot]) * FIRST.get(slot, 1)
            if score > best_score:
                best, best_score = slot, score
        return best

    def _parted(self, items: Sequence[Item]) -> "_Parted | None":
        """Part conjunctions at the best place, None where none is good enough."""
        hashed = [_hashed(terms, spread) for _, terms, spread in items]
        slot = self._best(hashed)
        if slot is None:
            return None
        children: dict[Want, list[Item]] = defaultdict(list)
        rest: list[Item] = []
        for item, accesses in zip(items, hashed, strict=True):
            number, terms, spread = item
            access = accesses.get(slot)
            if access is None:
                rest.append(item)
                continue
            left = _without(terms, access)
            grown = (number, left, spread * len(access.wants))
            for want in access.wants:
                children[want].append(grown)
        return _Parted(slot, children, rest)

    def _branch(self, parted: "_Parted") -> Node:
        slot, children, rest = parted
        equal: dict[Any, Node] = {}
        starts: dict[int, dict[str, Node]] = defaultdict(dict)
        ends: dict[int, dict[str, Node]] = defaultdict(dict)
        for kind, value in list(children):
            node = self.grow(children.pop((kind, value)))
            if kind is Kind.EQUAL:
                equal[value] = node
            else:
                table = starts if kind is Kind.START else ends
                table[len(str(value))][str(value)] = node
        return Branch(
            slot, equal, _frozen(starts), _frozen(ends), self.grow(rest) if rest else None
        )

    def _wide(self, items: Sequence[Item]) -> Node:
        """Give every conjunction to the probes that will find it least often."""
        popularity = _Popularity(items)
        entries: list[Entry] = []
        rest: list[Entry] = []
        postings: dict[tuple[Key, Any], dict[Any, list[int]]] = defaultdict(dict)
        for number, terms, _ in items:
            cover = popularity.rarest(terms)
            if cover is None:
                rest.append(self._entry(number, terms))
                continue
            for access in cover.accesses:
                for want in access.wants:
                    probe = PROBES[want[0]]
                    key = want if probe is probes.Hashed else want[1]
                    postings[access.slot, probe].setdefault(key, []).append(len(entries))
            left = _without(terms, cover.accesses[0]) if cover.is_exact else terms
            entries.append(self._entry(number, left))
        self._pause()
        made = [(slot, probe(slot, table.items())) for (slot, probe), table in postings.items()]
        return Wide(self._sieved(made), entries, rest)

    def _sieved(self, made: list[tuple[Key, probes.Probe]]) -> list[probes.Probe]:
        """Return probes, those of the payload behind a sieve where they are many."""
        if len(made) <= SIEVE_MIN:
            return [probe for _, probe in made]
        kept = [probe for slot, probe in made if slot not in self._paths]
        placed = [(self._paths[slot], probe) for slot, probe in made if slot in self._paths]
        return [*kept, Sieve(placed)]


class _Parted(NamedTuple):
    """Conjunctions by what they want of one place.

    Nothing else is held while the branches grow, and each only until it has: what is made for the
    growing would otherwise be several times what is grown.
    """

    slot: Key
    children: dict[Want, list[Item]]
    rest: list[Item]


PROBES: dict[Kind, Any] = {
    Kind.EQUAL: probes.Hashed,
    Kind.START: probes.Hashed,
    Kind.END: probes.Hashed,
    Kind.HOLDS: probes.Literals,
    Kind.RANGE: probes.Ranges,
    Kind.NETWORK: probes.Networks,
    Kind.PATTERN: probes.Patterns,
    Kind.PRESENT: probes.Present,
}


class _Popularity:
    """How many of some conjunctions an event that has a key will have to be held against."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._wants: Counter[tuple[Key, Want]] = Counter()
        self._open: Counter[Key] = Counter()
        for _, terms, _ in items:
            for term in terms:
                for cover in term.covers:
                    for access in cover.accesses:
                        for want in access.wants:
                            self._count(access.slot, want)

    def _count(self, slot: Key, want: Want) -> None:
        self._wants[slot, want] += 1
        if want[0] is Kind.RANGE:
            self._open[slot] += 1

    def rarest(self, terms: Conjunction) -> Cover | None:
        """Return the cover that is met least often, None where there is none."""
        choices = [cover for term in terms for cover in term.covers]
        return min(choices, key=self._cost, default=None)

    def _cost(self, cover: Cover) -> float:
        return sum(
            self._cost_of(access.slot, want) for access in cover.accesses for want in access.wants
        )

    def _cost_of(self, slot: Key, want: Want) -> float:
        kind, value = want
        popularity = self._wants[slot, want]
        if kind is Kind.RANGE and isinstance(value, Range):
            is_open = value.low is None or value.high is None
            return self._open[slot] * (0.5 if is_open else 0.05)
        if kind is Kind.PATTERN:
            return PATTERN_COST
        if kind is Kind.PRESENT:
            return PRESENT_COST + popularity
        if kind is Kind.HOLDS:
            return popularity * (HOLDS_CHANCE if len(str(value)) >= probes.GRAM else 0.5)
        if value is None or isinstance(value, Flag):
            return popularity * 0.5
        return popularity * EQUAL_CHANCE


EQUAL_CHANCE = 0.1
"""How likely an event is to have a value, a beginning or an end that some rule asks for."""
HOLDS_CHANCE = 0.12
PRESENT_COST = 20.0
"""Most events have what rules ask for, so whether they do tells little."""
PATTERN_COST = 2.0
"""An expression costs about as much as a literal that is shared by so many conjunctions."""


def _hashed(terms: Conjunction, spread: int) -> Hashed:
    """Return by place what these terms can be branched by."""
    found: Hashed = {}
    for term in terms:
        for cover in term.covers:
            access = cover.accesses[0]
            if (
                access.is_hashed
                and len(cover.accesses) == 1
                and spread * len(access.wants) <= SPREAD_MAX
                and access.slot not in found
            ):
                found[access.slot] = access
    return found


def _score(count: int, wants: Counter[Want]) -> float:
    """Return how much a place tells apart: half as much where all ask for the same value."""
    total = sum(wants.values())
    same = sum(number * number for number in wants.values()) / (total * total)
    exact = sum(number for (kind, _), number in wants.items() if kind is Kind.EQUAL) / total
    return count * (1 - same / 2) * (PARTIAL + (1 - PARTIAL) * exact)


def _without(terms: Conjunction, access: Access) -> Conjunction:
    """Return the terms that are left once an access is met."""
    left: list[Term] = []
    for term in terms:
        for cover in term.covers:
            if cover.accesses[0] is access:
                if not cover.is_exact:
                    others = tuple(part for part in term.covers if part is not cover)
                    left.append(Term(term.check, others))
                break
        else:
            left.append(term)
    return tuple(left)


def _rank(term: Term) -> float:
    """Order terms by how likely they are met and how much it costs to ask."""
    if term.check.judge is answers:
        return COSTLY
    if not term.covers:
        return UNLIKELY_TO_FAIL
    wants = term.covers[0].accesses[0].wants
    kind, value = wants[0]
    if value is None or isinstance(value, Flag) or kind is Kind.PRESENT:
        return UNLIKELY_TO_FAIL
    return RANKS[kind] + len(wants) / 100


RANKS = {
    Kind.HOLDS: 0.0,
    Kind.EQUAL: 0.1,
    Kind.RANGE: 0.5,
    Kind.START: 0.4,
    Kind.END: 0.3,
    Kind.NETWORK: 0.5,
    Kind.PATTERN: 0.5,
}
UNLIKELY_TO_FAIL = 5.0
_by_rank = itemgetter(0)
COSTLY = 9.0


def _frozen(tables: dict[int, dict[str, Node]]) -> Lengths:
    return tuple(tables.items())


assert all(kind in PROBES for kind in HASHED)
