"""Indexes of one place of an event: from its value to the entries that may match.

Each probe is filled once and then asked for every event; it adds the numbers of the entries whose
key the value has. None is slower than linear in the value, and none looks at every entry unless
every entry is an answer.
"""

import ipaddress
import sys
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

import re2  # type: ignore[import-untyped] # google-re2 ships no types

from hookagent.rules.index.access import Expression, Kind, Range, Want, addresses
from hookagent.rules.index.look import MANY, Key, Look, texts
from hookagent.rules.patterns import (
    SUBJECT_BYTES_MAX,
    compiled,
    encoded,
    glob_program,
    glob_to_regex,
)

Posting = tuple[Any, list[int]]
"""A key and the entries that have it."""
Hits = list[int]


class Probe(Protocol):
    """One index of one place."""

    def collect(self, look: Look, hits: Hits) -> None:
        """Add the entries whose key the event has; one may be added more than once."""


class Hashed:
    """Values, beginnings and ends."""

    __slots__ = ("_ends", "_equal", "_slot", "_starts")

    def __init__(self, slot: Key, postings: Iterable[tuple[Want, list[int]]]) -> None:
        self._slot = slot
        self._equal: dict[Any, list[int]] = {}
        starts: dict[int, dict[str, list[int]]] = defaultdict(dict)
        ends: dict[int, dict[str, list[int]]] = defaultdict(dict)
        for (kind, value), entries in postings:
            if kind is Kind.EQUAL:
                self._equal[value] = entries
            else:
                table = starts if kind is Kind.START else ends
                table[len(str(value))][str(value)] = entries
        self._starts = tuple(starts.items())
        self._ends = tuple(ends.items())

    def collect(self, look: Look, hits: Hits) -> None:
        value = look[self._slot]
        if type(value) in MANY:
            for part in value:
                self._add(part, hits)
        else:
            self._add(value, hits)

    def _add(self, value: Any, hits: Hits) -> None:
        hits += self._equal.get(value, ())
        if type(value) is str:
            for length, table in self._starts:
                hits += table.get(value[:length], ())
            for length, table in self._ends:
                hits += table.get(value[-length:], ())


FEW = 48
"""So many texts are looked for one by one faster than by their grams."""
GRAM = 4
"""Bytes in a gram; shorter literals are found by their first two bytes, or one by one."""


class Literals:
    """Texts that hold a literal, found by the rarest four bytes of it."""

    __slots__ = ("_few", "_long", "_short", "_slot")

    def __init__(self, slot: Key, postings: Iterable[Posting]) -> None:
        self._slot = slot
        listed = list(postings)
        self._few: list[Posting] = []
        self._long: _Grams | None = None
        self._short: _Grams | None = None
        if len(listed) <= FEW:
            self._few = listed
            return
        sized = [
            (literal.encode("utf-8", "replace"), literal, entries) for literal, entries in listed
        ]
        self._few = [(literal, entries) for data, literal, entries in sized if len(data) == 1]
        short = [part for part in sized if 1 < len(part[0]) < GRAM]
        long = [part for part in sized if len(part[0]) >= GRAM]
        self._short = _Grams(short, 2) if short else None
        self._long = _Grams(long, GRAM) if long else None

    def collect(self, look: Look, hits: Hits) -> None:
        for text in texts(look[self._slot]):
            for literal, entries in self._few:
                if literal in text:
                    hits += entries
            if self._long is not None or self._short is not None:
                data = text.encode("utf-8", "replace")
                if self._long is not None:
                    self._long.collect(data, text, hits)
                if self._short is not None:
                    self._short.collect(data, text, hits)


class _Grams:
    """Literals by one run of bytes each."""

    __slots__ = ("_by_gram", "_code", "_grams", "_width")
    _code: Literal["H", "I"]

    def __init__(self, literals: Sequence[tuple[bytes, str, list[int]]], width: int) -> None:
        self._width = width
        self._code = "I" if width == GRAM else "H"
        counts: dict[int, int] = defaultdict(int)
        all_grams = [self._of(data) for data, _, _ in literals]
        for grams in all_grams:
            for gram in grams:
                counts[gram] += 1
        self._by_gram: dict[int, list[Posting]] = defaultdict(list)
        for grams, (_, literal, entries) in zip(all_grams, literals, strict=True):
            self._by_gram[min(grams, key=counts.__getitem__)].append((literal, entries))
        self._grams = frozenset(self._by_gram)

    def _of(self, data: bytes) -> set[int]:
        width = self._width
        return {
            int.from_bytes(data[place : place + width], sys.byteorder)
            for place in range(len(data) - width + 1)
        }

    def collect(self, data: bytes, text: str, hits: Hits) -> None:
        """Add the entries whose literal is in a text, given with its bytes."""
        width = self._width
        whole = memoryview(data)
        found: set[int] = set()
        for shift in range(width):
            end = len(data) - (len(data) - shift) % width
            if end > shift:
                found.update(self._grams.intersection(whole[shift:end].cast(self._code)))
        for gram in found:
            for literal, entries in self._by_gram[gram]:
                if literal in text:
                    hits += entries


class Ranges:
    """Spans of numbers and spans of texts, in a segment tree each."""

    __slots__ = ("_numbers", "_slot", "_texts")

    def __init__(self, slot: Key, postings: Iterable[tuple[Range, list[int]]]) -> None:
        self._slot = slot
        listed = list(postings)
        self._numbers = _Segments([part for part in listed if not part[0].is_text])
        self._texts = _Segments([part for part in listed if part[0].is_text])

    def collect(self, look: Look, hits: Hits) -> None:
        value = look[self._slot]
        kind = type(value)
        if kind is str:
            self._texts.collect(value, value, hits)
        elif kind is int or kind is float:
            self._numbers.collect(value, value, hits)
        elif kind in MANY:
            words = texts(value)
            if words:
                self._texts.collect(min(words), max(words), hits)
            numbers = [part for part in value if type(part) is int or type(part) is float]
            if numbers:
                self._numbers.collect(min(numbers), max(numbers), hits)


class _Segments:
    """Spans over the points where one begins or ends, and the gaps between those.

    Point number i stands at 2i+1, the gap before it at 2i. A span is kept in at most two nodes of
    each level, and a value is in the spans of the nodes above its leaf.
    """

    __slots__ = ("_by_low", "_lows", "_nodes", "_points", "_size")

    def __init__(self, spans: Sequence[tuple[Range, list[int]]]) -> None:
        ends = (end for span, _ in spans for end in (span.low, span.high) if end is not None)
        self._points = sorted(set(ends))
        self._size = 2 * len(self._points) + 1
        self._nodes: list[list[int] | None] = [None] * (2 * self._size)
        placed = sorted(((self._first(span), entries) for span, entries in spans), key=_low)
        self._lows = [low for low, _ in placed]
        self._by_low = [entries for _, entries in placed]
        for span, entries in spans:
            self._insert(self._first(span), self._last(span), entries)

    def _first(self, span: Range) -> int:
        if span.low is None:
            return 0
        return 2 * bisect_left(self._points, span.low) + 1 + span.is_low_open

    def _last(self, span: Range) -> int:
        if span.high is None:
            return self._size - 1
        return 2 * bisect_left(self._points, span.high) + 1 - span.is_high_open

    def _insert(self, first: int, last: int, entries: list[int]) -> None:
        low, high = first + self._size, last + self._size + 1
        while low < high:
            if low & 1:
                self._add(low, entries)
                low += 1
            if high & 1:
                high -= 1
                self._add(high, entries)
            low >>= 1
            high >>= 1

    def _add(self, node: int, entries: list[int]) -> None:
        held = self._nodes[node]
        if held is None:
            self._nodes[node] = list(entries)
        else:
            held += entries

    def _place(self, value: Any) -> int:
        points = self._points
        place = bisect_left(points, value)
        return 2 * place + (place < len(points) and points[place] == value)

    def collect(self, low: Any, high: Any, hits: Hits) -> None:
        """Add the spans that touch the stretch from low to high."""
        nodes = self._nodes
        first = self._place(low)
        node = first + self._size
        while node:
            entries = nodes[node]
            if entries:
                hits += entries
            node >>= 1
        if low != high:
            start = bisect_right(self._lows, first)
            for entries in self._by_low[start : bisect_right(self._lows, self._place(high))]:
                hits += entries


def _low(part: tuple[int, list[int]]) -> int:
    return part[0]


class Networks:
    """Address ranges by their length."""

    __slots__ = ("_by_length", "_slot")

    def __init__(self, slot: Key, postings: Iterable[tuple[str, list[int]]]) -> None:
        self._slot = slot
        tables: dict[tuple[int, int], dict[int, list[int]]] = defaultdict(dict)
        for text, entries in postings:
            network = ipaddress.ip_network(text)
            shift = network.max_prefixlen - network.prefixlen
            tables[network.version, shift][int(network.network_address) >> shift] = entries
        self._by_length = tuple((*key, table) for key, table in tables.items())

    def collect(self, look: Look, hits: Hits) -> None:
        for version, number in addresses(look[self._slot]):
            for its_version, shift, table in self._by_length:
                if its_version == version:
                    hits += table.get(number >> shift, ())


class Present:
    """Whether there is any value at all."""

    __slots__ = ("_entries", "_slot")

    def __init__(self, slot: Key, postings: Iterable[tuple[bool, list[int]]]) -> None:
        self._slot = slot
        self._entries = [number for _, entries in postings for number in entries]

    def collect(self, look: Look, hits: Hits) -> None:
        if look[self._slot]:
            hits += self._entries


SET_BYTES_MAX = 32 * 1024 * 1024
"""The memory that all expressions of one place together may take in one piece while they run."""


PARTS_BYTES_MAX = 8 * SET_BYTES_MAX
"""The memory the parts may take together of what is too large in one piece."""
PART_MIN = 8
"""So few expressions are not tried together."""


class Patterns:
    """Regular expressions and globs, all tried in one pass over the text.

    Of a text that is too long only the beginning is tried, as `regex` does; a glob is then left to
    be asked by itself.
    """

    __slots__ = ("_globs", "_slot", "_tried")

    def __init__(self, slot: Key, postings: Iterable[tuple[Expression, list[int]]]) -> None:
        self._slot = slot
        listed = list(postings)
        self._tried = _Tried(listed, PARTS_BYTES_MAX)
        self._globs = [number for asked, entries in listed if asked.is_glob for number in entries]

    def collect(self, look: Look, hits: Hits) -> None:
        for text in texts(look[self._slot]):
            subject = encoded(text[:SUBJECT_BYTES_MAX])
            if len(subject) >= SUBJECT_BYTES_MAX:
                subject = subject[:SUBJECT_BYTES_MAX]
                hits += self._globs
            self._tried.collect(subject, hits)


class _Tried:
    """Expressions that are tried together, in halves where they are too large for that.

    RE2 tells of no match and of having run out of memory in the same way; an expression that always
    matches tells them apart. Which it is depends on the text, so halves are made when it happens.
    """

    __slots__ = ("_always", "_halves", "_postings", "_set", "_share")

    def __init__(self, postings: list[tuple[Expression, list[int]]], share: int) -> None:
        self._postings = postings
        self._share = share
        self._halves: tuple[_Tried, ...] = ()
        options = re2.Options()
        options.log_errors = False
        options.max_mem = min(share, SET_BYTES_MAX)
        options.never_capture = True
        self._set = re2.Set.SearchSet(options)
        for expression, _ in postings:
            self._set.Add(_together(expression))
        self._always = self._set.Add(b"")
        try:
            self._set.Compile()
        except re2.error:  # too large together
            self._part()

    def _part(self) -> None:
        self._set = None
        if len(self._postings) > PART_MIN:
            middle = len(self._postings) // 2
            parts = self._postings[:middle], self._postings[middle:]
            self._halves = tuple(_Tried(part, self._share // 2) for part in parts)

    def collect(self, subject: bytes, hits: Hits) -> None:
        """Add the entries whose expression matches."""
        together = self._set
        if together is not None:
            found = together.Match(subject)
            if self._always in found:
                for number in found:
                    if number != self._always:
                        hits += self._postings[number][1]
                return
            self._part()
        for half in self._halves:
            half.collect(subject, hits)
        if not self._halves:
            for expression, entries in self._postings:
                if _alone(expression, subject):
                    hits += entries


def _together(expression: Expression) -> bytes:
    """Write an expression as one of a set, which has no options for each."""
    pattern = expression.pattern
    if expression.is_glob:
        pattern = rf"(?s)\A(?:{glob_to_regex(pattern)})\z"
    return (f"(?i){pattern}" if expression.is_folded else pattern).encode()


def _alone(expression: Expression, subject: bytes) -> bool:
    pattern, is_folded, is_glob = expression
    if is_glob:
        return glob_program(pattern).fullmatch(subject) is not None
    return compiled(pattern, is_folded=is_folded).search(subject) is not None
