"""What is known of one event so far.

A *key* is a function of a `Look`: the values at a path, those values with their case folded, the
answer of one condition. `look[key]` runs it once and remembers the answer, so ten thousand rules
that ask the same pay for it once.
"""

from collections.abc import Callable, Iterable
from typing import Any

from hookagent.event import Event
from hookagent.lookup import MISSING, Path, Step, find
from hookagent.rules.arguments import moment_ms
from hookagent.rules.decode import Partial, PartialScope, attribute, find_in
from hookagent.rules.expressions import Node, evaluate, names
from hookagent.rules.model import atom
from hookagent.rules.scope import Scope, elements
from hookagent.subject import Reference

BIG = 2**63
"""Whole numbers from here on can be made to hash alike, so they do not go into sets by the mass."""
BIG_MAX = 64
MANY = frozenset({frozenset, tuple})
"""The types of an answer that stands for several elements."""


class Look(dict[Any, Any]):
    """One event and the answers about it; not to be shared between threads."""

    __slots__ = ("event", "payload")
    event: Event
    payload: Any

    def scope(self) -> Scope:
        """Return the event as the language's operators look at it."""
        return Scope(self.event)

    def __missing__(self, key: "Key") -> Any:
        answer = self[key] = key(self)
        return answer


Key = Callable[[Look], Any]
"""A question about an event. Keys are compared by identity; `Slots` makes each one once."""


def look_at(event: Event) -> Look:
    """Begin to look at an event."""
    look = Look()  # without an __init__: this runs for every event
    look.event = event
    look.payload = event.payload
    look[source_of] = event.source
    look[type_of] = event.type
    return look


class Slots:
    """Makes the keys that reach values, one for each place in an event.

    Such a key answers with an atom, with a set of atoms where there are several elements, or with
    MISSING; objects are left out, since nothing that is looked up by value equals one.
    """

    def __init__(self) -> None:
        self._elements: dict[tuple[str, tuple[str | int, ...]], Key] = {}
        self._folded: dict[Key, Key] = {}
        self.paths: dict[Key, Path] = {}
        """Where in the payload a key reaches."""
        self._present: dict[tuple[str, tuple[str | int, ...]], Key] = {}
        self._made: dict[Any, Key] = {}

    def elements(self, reference: Reference) -> Key:
        """Return the key of a reference's elements."""
        place = (reference.area, reference.path)
        key = self._elements.get(place)
        if key is None:
            key = _of_payload(reference) if reference.is_payload else _of_envelope(reference)
            self._elements[place] = key
            if reference.is_payload:
                self.paths[key] = reference.path
        return key

    def present(self, reference: Reference) -> Key:
        """Return the key of whether a reference reaches any value at all."""
        place = (reference.area, reference.path)
        key = self._present.get(place)
        if key is None:
            key = self._present[place] = _is_present(reference)
            if reference.is_payload:
                self.paths[key] = reference.path
        return key

    def sizes(self, reference: Reference) -> Key:
        """Return the key of how long a reference's texts, lists and objects are."""
        return self._of_values("size", reference, _sizes(reference))

    def opened(self, reference: Reference) -> Key:
        """Return the key of a reference's elements as they are, objects included."""
        return self._of_values("element", reference, _opened(reference))

    def filled(self, reference: Reference) -> Key:
        """Return the key of `elements` that tells no atom (an empty set) from no value."""
        made = _filled(self.elements(reference), self.present(reference))
        return self._of_values("filled", reference, made)

    def moments(self, reference: Reference, *, is_relative: bool) -> Key:
        """Return the key of a reference's times: Unix milliseconds, or those since the arrival."""
        made = _moments(reference, is_relative=is_relative)
        return self._of_values(("moment", is_relative), reference, made)

    def _of_values(self, what: Any, reference: Reference, made: Key) -> Key:
        key = self._made.setdefault((what, reference.area, reference.path), made)
        if reference.is_payload:
            self.paths[key] = reference.path
        return key

    def computed(self, node: Node) -> Key:
        """Return the key of what a part of an expression comes to, nothing while it is unknown."""
        key = self._made.get(node)
        if key is None:
            key = self._made[node] = _computed(node)
            needed = next((name for name in names(node) if name.is_payload), None)
            if needed is not None:
                self.paths[key] = needed.path
        return key

    def folded(self, key: Key) -> Key:
        """Return the key of the same elements with their case folded."""
        folded = self._folded.get(key)
        if folded is None:
            folded = self._folded[key] = _folded(key)
            if key in self.paths:
                self.paths[folded] = self.paths[key]
        return folded


class PartialLook(Look):
    """An event whose payload was decoded in part."""

    __slots__ = ()

    def scope(self) -> Scope:
        return PartialScope(self.event, self.payload)


def look_into(event: Event, document: Any) -> Look:
    """Begin to look at an event by what `decode.Decoder` made of its body."""
    look = PartialLook()
    look.event = event
    look.payload = document
    look[source_of] = event.source
    look[type_of] = event.type
    return look


def scope_of(look: Look) -> Scope:
    """Answer with what the language's operators look at."""
    return look.scope()


def source_of(look: Look) -> str:
    """Answer with the event's source."""
    return look.event.source


def type_of(look: Look) -> str:
    """Answer with the event's type, empty where it has none."""
    return look.event.type


def _of_payload(reference: Reference) -> Key:
    path = reference.path
    reach_part = _of_part(path)
    if len(path) == 1:
        return _of_member(path[0], reach_part)
    if len(path) == NEAR:
        return _of_inner_member(path, reach_part)
    return _of_deep_member(path, reach_part)


NEAR = 2
"""Paths of so many steps, which most are, are followed without a loop."""


def _of_member(name: Step, reach_part: Callable[[Any], Any]) -> Key:
    def reach(look: Look) -> Any:
        value = look.payload
        if type(value) is not dict:
            return reach_part(value)
        value = value.get(name, MISSING)
        return value if type(value) is str else _plain(value)

    return reach


def _of_inner_member(path: Path, reach_part: Callable[[Any], Any]) -> Key:
    outer, inner = path
    rest = (inner,)

    def reach(look: Look) -> Any:
        value = look.payload
        if type(value) is not dict:
            return reach_part(value)
        value = value.get(outer)
        if type(value) is dict:
            value = value.get(inner, MISSING)
            return value if type(value) is str else _plain(value)
        return condensed(elements(find(rest, value))) if type(value) is list else MISSING

    return reach


def _of_deep_member(path: Path, reach_part: Callable[[Any], Any]) -> Key:
    name = path[0]
    below = path[1:]
    rests = [below[place:] for place in range(len(below))]

    def reach(look: Look) -> Any:
        value = look.payload
        if type(value) is not dict:
            return reach_part(value)
        value = value.get(name, MISSING)
        for rest in rests:
            if type(value) is dict:
                value = value.get(rest[0], MISSING)
            elif type(value) is list:
                return condensed(elements(find(rest, value)))
            else:
                return MISSING
        return value if type(value) is str else _plain(value)

    return reach


def _plain(value: Any) -> Any:
    if type(value) is list:
        return condensed(elements(value))
    return MISSING if type(value) is dict else atom(value)


def _of_part(path: Path) -> Callable[[Any], Any]:
    """Return what reaches the elements of a path in a partly decoded document."""
    fields = [attribute(step) for step in path]

    def reach(value: Any) -> Any:
        for place, field in enumerate(fields):
            if isinstance(value, Partial):
                value = getattr(value, field, MISSING)
            elif value is MISSING:
                return MISSING
            else:
                return condensed(elements(find_in(path[place:], value)))
        return value if type(value) is str else condensed(elements([value]))

    return reach


def _of_envelope(reference: Reference) -> Key:
    def reach(look: Look) -> Any:
        return condensed(elements(look[scope_of].values(reference)))

    return reach


def _is_present(reference: Reference) -> Key:
    return lambda look: bool(look[scope_of].values(reference))


def _sizes(reference: Reference) -> Key:
    def measure(look: Look) -> Any:
        found = look[scope_of].values(reference)
        return condensed(len(value) for value in found if isinstance(value, str | list | dict))

    return measure


def _opened(reference: Reference) -> Key:
    return lambda look: elements(look[scope_of].values(reference))


def _filled(slot: Key, present: Key) -> Key:
    def fill(look: Look) -> Any:
        value = look[slot]
        return frozenset() if value is MISSING and look[present] else value

    return fill


def _moments(reference: Reference, *, is_relative: bool) -> Key:
    def read(look: Look) -> Any:
        start = look.event.received_at if is_relative else 0
        found = map(moment_ms, elements(look[scope_of].values(reference)))
        return condensed(ms - start for ms in found if ms is not None)

    return read


def _computed(node: Node) -> Key:
    def compute(look: Look) -> Any:
        value = evaluate(node, look[scope_of])
        return MISSING if isinstance(value, list | dict) else atom(value)

    return compute


def _folded(key: Key) -> Key:
    def fold(look: Look) -> Any:
        value = look[key]
        if type(value) is str:
            return value.casefold()
        if type(value) in MANY:
            return condensed(part.casefold() if type(part) is str else part for part in value)
        return value

    return fold


def condensed(found: Iterable[Any]) -> Any:
    """Return one atom, a set of several, or MISSING; objects count for nothing."""
    atoms = [atom(value) for value in found if type(value) is not dict and value is not MISSING]
    if not atoms:
        return MISSING
    if len(atoms) == 1:
        return atoms[0]
    big = sum(1 for value in atoms if type(value) is int and not -BIG < value < BIG)
    return frozenset(atoms) if big <= BIG_MAX else tuple(atoms)


def texts(value: Any) -> list[str]:
    """Return the texts in an answer."""
    if type(value) is str:
        return [value]
    return [part for part in value if type(part) is str] if type(value) in MANY else []
