"""Decoding only what rules ask for: the rest of a body is skipped, which is twice as fast.

The paths of a source become nested structs, and the JSON decoder passes over every member they do
not name. What it finds there is what a full decode finds, for any JSON. Three things only a full
decode notices, in parts that no path names: bytes that are not UTF-8, numbers too large for a
double, and more nesting than `payload.DEPTH_MAX`. Of members given twice both keep the last. A
path with a place in it (`commits[0].id`) keeps the whole list; one that begins with a place, a body
that is no object, and an object of which more than `FIELDS_MAX` members are named are decoded in
full.
"""

import functools
import operator
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hookagent.event import Event
from hookagent.lookup import MISSING, Path, Step, find
from hookagent.rules.changed import Change
from hookagent.rules.expressions import Expression, names
from hookagent.rules.model import Condition, Field, Group, Rule, RuleSet
from hookagent.rules.patterns import fits_glob
from hookagent.rules.scope import Scope
from hookagent.subject import Reference

Trie = dict[str, "Trie"]
"""Names and what is asked for below each; an empty one asks for the whole value."""
EVERY_SOURCE = "*"


class Partial(msgspec.Struct, gc=False):
    """An object of which only some members were decoded; the others read as MISSING."""


class Decoder:
    """Decodes the parts of a body that some paths reach."""

    def __init__(self, paths: Iterable[Path]) -> None:
        """Prepare for these paths. A path that no struct can follow keeps more than it names."""
        trie = _trie(paths)
        self.is_partial = trie is not None
        self._full = msgspec.json.Decoder().decode
        self._decode = self._full if trie is None else msgspec.json.Decoder(_struct(trie)).decode

    def decode(self, body: bytes) -> Any:
        """Return a document for `find_in`, None where the body is not JSON."""
        try:
            return self._decode(body)
        except msgspec.ValidationError:
            return self._whole(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _whole(self, body: bytes) -> Any:
        try:
            return self._full(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


def _trie(paths: Iterable[Path]) -> Trie | None:
    """Return what the paths name, None where they ask for the whole document."""
    root: Trie = {}
    whole: set[int] = set()
    for path in paths:
        steps = _names(path)
        if not steps:
            return None
        node = root
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        whole.add(id(node.setdefault(steps[-1], {})))
    _cut(root, whole)
    return root if len(root) <= FIELDS_MAX else None


FIELDS_MAX = 128
"""Where rules name more members of one object than this, they are not skipped but all decoded.

A struct has a place for every member it names, present or not.
"""


def _names(path: Path) -> list[str]:
    """Return the steps of a path up to the first that a struct cannot have as a field."""
    kept: list[str] = []
    for step in path:
        if isinstance(step, int) or not _can_be_field(step):
            break
        kept.append(step)
    return kept


def _can_be_field(name: str) -> bool:
    return not any(character in '\\"' or character < " " for character in name)


def _cut(node: Trie, whole: set[int]) -> None:
    """Take away what is below a value that is asked for as a whole."""
    for below in node.values():
        if id(below) in whole or len(below) > FIELDS_MAX:
            below.clear()
        else:
            _cut(below, whole)


def attribute(name: Step) -> str:
    """Return the attribute that holds a member of this name."""
    text = str(name)
    plain = f"m_{text}"
    return plain if plain.isascii() and plain.isidentifier() else "x_" + text.encode().hex()


def _struct(trie: Trie) -> Any:
    fields: list[tuple[str, Any, Any]] = []
    rename: dict[str, str] = {}
    for name, below in trie.items():
        field = attribute(name)
        rename[field] = name
        fields.append((field, _below(below) if below else Any, MISSING))
    return msgspec.defstruct("Part", fields, bases=(Partial,), rename=rename, gc=False)


def _below(trie: Trie) -> Any:
    """Return the type of a value some of whose members are wanted: an object, or anything else."""
    struct = _struct(trie)
    return _or_scalar(struct, list[_or_scalar(struct, list[Any])])  # type: ignore[misc] # made at run time


def _or_scalar(*types: Any) -> Any:
    return functools.reduce(operator.or_, (*types, str, int, float, bool, None))


def find_in(path: Path, document: Any) -> list[Any]:
    """Return every value a path reaches in a partly decoded document, as `lookup.find` does."""
    found = [document]
    for step in path:
        reached: list[Any] = []
        for value in found:
            if isinstance(step, int):
                reached += find((step,), value)
            else:
                _members(step, value, reached)
        found = reached
    return found


def _members(name: str, value: Any, reached: list[Any]) -> None:
    """Add the member of an object, or of each object in a list (and lists in it)."""
    field = attribute(name)
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, Partial):
            reached.append(getattr(current, field, MISSING))
        elif type(current) is dict:
            reached.append(current.get(name, MISSING))
        elif type(current) is list:
            pending.extend(reversed(current))
            continue
        if reached and reached[-1] is MISSING:
            reached.pop()


class PartialScope(Scope):
    """A scope whose payload was decoded in part."""

    __slots__ = ("_document",)

    def __init__(self, event: Event, document: Any, item: Any = MISSING) -> None:
        super().__init__(event, item)
        self._document = document

    def at(self, item: Any) -> "PartialScope":
        return PartialScope(self.event, self._document, item)

    def values(self, reference: Reference) -> list[Any]:
        if reference.is_payload:
            return find_in(reference.path, self._document)
        return super().values(reference)


class Decoders:
    """The decoders of a rule set, one for each source."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._by_pattern: dict[str, set[Path]] = {}
        for rule in ruleset.rules:
            if rule.enabled:
                self._add(rule)
                if rule.follow is not None:
                    self._add(rule.follow)
        self._made: dict[str, Decoder] = {}

    def _add(self, rule: Rule) -> None:
        paths = [reference.path for reference in references(rule) if reference.is_payload]
        for source in {pattern.source for pattern in rule.on} or {EVERY_SOURCE}:
            self._by_pattern.setdefault(source, set()).update(paths)

    def of(self, source: str) -> Decoder:
        """Return the decoder of a source, made when it is first asked for."""
        decoder = self._made.get(source)
        if decoder is None:
            decoder = self.make(source)
            if len(self._made) < SOURCES_MAX:
                self._made[source] = decoder
        return decoder

    def make(self, source: str, also: Iterable[Reference] = ()) -> Decoder:
        """Make a decoder that also keeps what these references name."""
        paths = {reference.path for reference in also if reference.is_payload}
        for pattern, its_paths in self._by_pattern.items():
            if fits_glob(pattern, source):
                paths |= its_paths
        return Decoder(paths)


SOURCES_MAX = 1_000
"""Sources come from the configuration; more than these would be a mistake of ours."""


def references(rule: Rule) -> Iterator[Reference]:
    """Return the references that decide whether a rule matches, some more than once."""
    for group in (rule.when, *rule.any, *rule.unless):
        yield from _of_group(group)


def _of_group(group: Group) -> Iterator[Reference]:
    for condition in group:
        yield condition.reference
        argument = condition.predicate.argument
        if not isinstance(argument, PLAIN):
            yield from _of_argument(argument)


PLAIN = (str, int, float, frozenset)


def _of_argument(argument: Any) -> Iterator[Reference]:
    if isinstance(argument, Field):
        yield argument.reference
    elif isinstance(argument, Expression):
        yield from names(argument.root)
    elif isinstance(argument, Change):
        for place in argument.places:
            yield place.reference
    elif isinstance(argument, tuple):
        yield from _of_group(tuple(part for part in argument if isinstance(part, Condition)))
