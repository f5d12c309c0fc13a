"""A rule set as values: what a rule asks of an event, and what it does then.

    Rule = (when AND (any[0] OR any[1] ...)) AND NOT (unless[0] OR unless[1] ...) -> do

A group is a tuple of conditions that must all hold; a condition is one reference and one
predicate.
Everything here is immutable and compares by value, so an index can intern it: two conditions that
ask the same are equal and hash alike, wherever they were written. Literals are atoms (see `atom`),
since in Python `True == 1`, while to a rule they differ.
"""

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from hookagent.errors import Problem
from hookagent.job import RetryPolicy
from hookagent.rules.calendar import Calendar
from hookagent.rules.overtime import Absence, Debounce, Sequence, Throttle, Window
from hookagent.subject import Reference

TIMEOUT_MS = 30_000
"""How long one try of one step may take, where the rule does not say."""


class Flag(Enum):
    """A truth value as an atom: unlike `True` and `False` not equal to 1 and 0."""

    TRUE = True
    FALSE = False

    def __repr__(self) -> str:
        return str(self.value).lower()


Atom = str | int | float | Flag | None
"""A JSON scalar that compares the way rules do: by type and value, 1 equal to 1.0."""


def atom(value: Any) -> Any:
    """Return the atom of a scalar; anything else comes back as it is."""
    if value is True:
        return Flag.TRUE
    if value is False:
        return Flag.FALSE
    return value


def plain(value: Any) -> Any:
    """Return the JSON value of an atom."""
    return value.value if isinstance(value, Flag) else value


@dataclass(frozen=True, slots=True)
class Predicate:
    """One operator with its argument, read and checked.

    `argument` is hashable; its form is the operator's (`operators.OPERATORS[op].kind` says which).
    It is a `Field` where the right side is another value of the same event.
    """

    op: str
    argument: Hashable


@dataclass(frozen=True, slots=True)
class Field:
    """The right side of a comparison that is another value of the event."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class Condition:
    """One requirement: the values a reference reaches pass a predicate.

    The reference's area is `item` inside `item`, `all` and `not` (relative to the element), and
    `expr` for an expression (the predicate holds it all).
    """

    reference: Reference
    predicate: Predicate
    line: int = field(default=0, compare=False)
    """Where it was written, from 1."""
    origin: str = field(default="", compare=False)
    """The named condition it came from by `use`, else empty."""


Group = tuple[Condition, ...]
"""Conditions that must all hold."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """SOURCE/TYPE, each a glob; the empty type glob `*` takes events without a type too."""

    source: str
    type: str = "*"

    def __str__(self) -> str:
        return self.source if self.type == "*" else f"{self.source}/{self.type}"


class StepSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One action of a rule as it was written."""

    name: str
    """Unique within the rule: `{{ steps.NAME.output }}`."""
    action: str
    options: dict[str, Any]
    """As written, `${VARIABLE}` not expanded and templates not rendered."""
    retry: RetryPolicy = RetryPolicy()
    timeout_ms: int = TIMEOUT_MS
    file: str = ""
    line: int = 0
    """From 1; 0 where it is not known."""

    def to_json(self) -> dict[str, Any]:
        """Return what a run keeps of the step it fired with; its place is left out."""
        kept: dict[str, Any] = msgspec.to_builtins(self)
        return {key: value for key, value in kept.items() if key not in {"file", "line"}}

    @classmethod
    def from_json(cls, value: Any) -> "StepSpec":
        """Read what `to_json` gave. Raises msgspec.ValidationError for anything else."""
        return msgspec.convert(value, cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One `[[rule.NAME.test]]`: an event, and what the rule must make of it."""

    payload: Any = None
    event: str = ""
    """An event file relative to the rule file, or a stored event's id, in place of `payload`."""
    about: str = ""
    source: str = ""
    type: str = ""
    method: str = "POST"
    path: str = "/"
    client_ip: str = ""
    received_at: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    repeat: int = 1
    """How often the event arrives; only the last one is judged."""
    every_ms: int = 1_000
    """The time between those."""
    fires: bool = True
    sends: Mapping[str, Any] = field(default_factory=dict)
    """By step name: what its action must be about to send; tables need only name a part."""
    then: "Case | None" = None
    """The event that follows, for a `sequence`; its own `fires` and `sends` mean nothing."""
    after_ms: int = 60_000
    """How long after the last event that one comes."""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, or the follow-up half of a `sequence` (then `do` is empty)."""

    name: str
    about: str = ""
    file: str = ""
    line: int = 0
    enabled: bool = True
    on: tuple[Pattern, ...] = ()
    """Any of them; none means every event."""
    when: Group = ()
    """All of these, those of `use` and `expr` included."""
    any: tuple[Group, ...] = ()
    """At least one of these groups, unless there are none."""
    unless: tuple[Group, ...] = ()
    """And none of these."""
    during: Calendar | None = None
    """Only when the event arrived within the calendar's hours."""
    priority: int = 0
    """Higher first; then by file and place."""
    stop: bool = False
    """When it matches, no rule after it is looked at."""
    fallback: bool = False
    """Fires only for an event that no other rule matched."""
    window: Window | None = None
    throttle: Throttle | None = None
    debounce: Debounce | None = None
    sequence: Sequence | None = None
    absence: Absence | None = None
    follow: "Rule | None" = None
    """The second half of a `sequence`: the conditions of its `then` or `without`."""
    do: tuple[StepSpec, ...] = ()
    tests: tuple[Case, ...] = ()
    concurrency: int | None = None
    """At most so many runs of this rule at a time; None for no limit."""
    ordered_by: tuple[Reference, ...] = ()
    """Runs whose events agree in these values run one after the other, in order of arrival."""
    ignores: Mapping[str, str] = field(default_factory=dict)
    """Lint codes that a `# hookagent: ignore CODE reason` above the rule silences."""
    version: str = ""
    """`version_of(do)`."""

    @property
    def is_over_time(self) -> bool:
        """Whether more than one event decides when it fires."""
        return any_of(self.window, self.throttle, self.debounce, self.sequence, self.absence)


def version_of(steps: tuple[StepSpec, ...]) -> str:
    """Return the hash of what a rule does: changes when a step does, not when its place does."""
    kept = msgspec.json.encode([step.to_json() for step in steps], order="deterministic")
    return hashlib.sha256(kept).hexdigest()[:16]


def any_of(*specs: object) -> bool:
    """Whether any of these is given."""
    return any(spec is not None for spec in specs)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All rules of all files, in the order they are looked at."""

    rules: tuple[Rule, ...] = ()
    """By priority (higher first), then file and place in it; disabled ones included."""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    version: str = ""
    """The hash of the files' names and texts."""
    warnings: tuple[Problem, ...] = ()

    @property
    def followers(self) -> tuple[Rule, ...]:
        """The second halves of sequences, each named as its rule."""
        return tuple(rule.follow for rule in self.rules if rule.follow and rule.enabled)

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that name, or None."""
        return next((rule for rule in self.rules if rule.name == name), None)
