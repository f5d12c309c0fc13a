"""Why a rule matches an event or does not: each condition with what it wanted and what it got.

The verdicts are those of `evaluate`, condition by condition, so an explanation says true exactly
when the rule matches; a property test holds it to that.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from hookagent.errors import did_you_mean
from hookagent.event import Event
from hookagent.eventfile import format_time
from hookagent.rules import shown
from hookagent.rules.evaluate import is_on
from hookagent.rules.expressions import Expression, names
from hookagent.rules.model import Condition, Field, Group, Rule, plain
from hookagent.rules.operators import EXPR, holds
from hookagent.rules.scope import Scope, elements
from hookagent.subject import Reference


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One condition and how it went."""

    path: str
    """As written; empty for an expression."""
    operator: str
    expected: Any
    actual: list[Any]
    """The values the path reached, cut to a readable size; empty where it is missing."""
    holds: bool
    note: str = ""
    """What a person should know: `missing`, `differs only in case`, …"""
    line: int = 0
    use: str = ""
    """The shared condition it came from."""


class GroupFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One group of `any` or `unless`."""

    holds: bool
    conditions: list[Finding]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One rule and how it went, as JSON and as the tree the commands print."""

    rule: str
    file: str
    line: int
    matches: bool
    enabled: bool
    on: Finding
    during: Finding | None
    when: list[Finding]
    any: list[GroupFinding]
    unless: list[GroupFinding]
    missed: int
    """How many requirements were not met; `any` as a whole and each `unless` group are one."""


def explain(rule: Rule, event: Event) -> Explanation:
    """Say of every condition of a rule what it wanted, what it got, and whether that was enough."""
    scope = Scope(event)
    on = _on(rule, event)
    during = _during(rule, event)
    when = [_finding(condition, scope) for condition in rule.when]
    any_of = [_group(group, scope) for group in rule.any]
    unless = [_group(group, scope) for group in rule.unless]
    missed = [
        not on.holds,
        during is not None and not during.holds,
        *(not finding.holds for finding in when),
        bool(any_of) and not any(group.holds for group in any_of),
        *(group.holds for group in unless),
    ]
    return Explanation(
        rule=rule.name,
        file=rule.file,
        line=rule.line,
        matches=not any(missed),
        enabled=rule.enabled,
        on=on,
        during=during,
        when=when,
        any=any_of,
        unless=unless,
        missed=sum(missed),
    )


def nearest_first(explained: Sequence[Explanation]) -> list[Explanation]:
    """Sort: what matches, then by how little was missed, rules of other events last."""
    return sorted(explained, key=lambda it: (not it.matches, not it.on.holds, it.missed))


def _on(rule: Rule, event: Event) -> Finding:
    return Finding(
        path="",
        operator="on",
        expected=[str(pattern) for pattern in rule.on],
        actual=[f"{event.source}/{event.type}" if event.type else event.source],
        holds=is_on(rule.on, event),
        line=rule.line,
    )


def _during(rule: Rule, event: Event) -> Finding | None:
    if rule.during is None:
        return None
    return Finding(
        path="@received_at",
        operator="during",
        expected=rule.during.name,
        actual=[format_time(event.received_at)],
        holds=rule.during.is_open(event.received_at),
        line=rule.line,
    )


def _group(group: Group, scope: Scope) -> GroupFinding:
    found = [_finding(condition, scope) for condition in group]
    return GroupFinding(holds=all(finding.holds for finding in found), conditions=found)


def _finding(condition: Condition, scope: Scope) -> Finding:
    predicate = condition.predicate
    is_met = holds(condition, scope)
    if predicate.op == EXPR:
        assert isinstance(predicate.argument, Expression)
        used = dict.fromkeys(names(predicate.argument.root))
        actual: list[Any] = [{it.text: shown.trimmed(scope.values(it)[:1])} for it in used]
        missing = [it.text for it in used if not scope.values(it)]
        note = "" if is_met or not missing else f"missing: {', '.join(missing)}"
    else:
        values = scope.values(condition.reference)
        actual = shown.trimmed(values)
        note = "" if is_met else _note(condition, values, scope)
    return Finding(
        path=condition.reference.text,
        operator=predicate.op,
        expected=shown.argument(predicate),
        actual=actual,
        holds=is_met,
        note=note,
        line=condition.line,
        use=condition.origin,
    )


def _note(condition: Condition, values: list[Any], scope: Scope) -> str:
    """Say what a look at the values would not: why a condition that seems met is not."""
    right = condition.predicate.argument
    if not values:
        return _missing(condition.reference, scope)
    if isinstance(right, Field) and not scope.values(right.reference):
        return f"`{right.reference}` on the right is missing"
    wanted = [right] if not isinstance(right, frozenset | tuple) else list(right)
    return _nearly(wanted, elements(values))


def _missing(reference: Reference, scope: Scope) -> str:
    if not reference.is_payload:
        return "missing"
    hint = did_you_mean(reference.text, shown.paths(scope.event.payload))
    return f"missing; {hint}" if hint and hint.startswith("did") else "missing"


def _nearly(wanted: list[Any], values: list[Any]) -> str:
    """Name a difference of type, case or surrounding space."""
    for want in wanted:
        for value in values:
            if isinstance(want, Condition):
                continue
            left, right = plain(want), value
            if isinstance(left, str) and isinstance(right, str):
                if left.casefold() == right.casefold():
                    return "differs only in case"
                if left.strip() == right.strip():
                    return "differs only in the space around it"
            elif type(left) is not type(right) and str(left).casefold() == str(right).casefold():
                return f"of another type: {_type(right)}, not {_type(left)}"
    return ""


def _type(value: Any) -> str:
    match value:
        case bool():
            return "a truth value"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case None:
            return "null"
        case _:
            return "a list or object"
