"""An explanation as lines for people: each condition, what it wanted, what it got."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from hookagent.cli import output
from hookagent.cli.output import Ink, Part

if TYPE_CHECKING:
    from hookagent.rules.explain import Explanation, Finding, GroupFinding

Line = tuple[Part, ...]
VALUE_MAX = 120


def lines(explained: "Explanation") -> Iterator[Line]:
    """Yield the lines of one rule's explanation."""
    verdict = "matches" if explained.matches else f"does not match, {explained.missed} missed"
    if not explained.enabled:
        verdict += "; it is not enabled"
    yield Ink(explained.rule, "bold"), f"  {verdict}  ", Ink(_place(explained), "dim")
    yield _condition(explained.on, "  ")
    if explained.during is not None:
        yield _condition(explained.during, "  ")
    for finding in explained.when:
        yield _condition(finding, "  ")
    yield from _groups("any", explained.any, wanted=True)
    yield from _groups("unless", explained.unless, wanted=False)


def _place(explained: "Explanation") -> str:
    return f"{explained.file}:{explained.line}"


def _groups(word: str, groups: "list[GroupFinding]", *, wanted: bool) -> Iterator[Line]:
    for number, group in enumerate(groups, start=1):
        count = f" {number} of {len(groups)}" if len(groups) > 1 else ""
        met = "holds" if group.holds else "does not hold"
        yield "  ", _mark(good=group.holds is wanted), f" {word}{count}: {met}"
        for finding in group.conditions:
            yield _condition(finding, "      ")


def _mark(*, good: bool) -> Part:
    return Ink(output.mark(good=good), "green" if good else "red")


def _condition(finding: "Finding", indent: str) -> Line:
    parts: list[Part] = [indent, _mark(good=finding.holds), " "]
    if finding.operator == "on":
        wanted = ", ".join(finding.expected) or "every event"
        parts.append(output.safe_line(f"on {wanted}"))
    elif finding.operator == "expr":
        parts.append(output.safe_line(str(finding.expected)))
    else:
        told = f"{finding.path} {finding.operator} {_json(finding.expected)}"
        parts.append(output.safe_line(told, most=VALUE_MAX))
    if not finding.holds or finding.operator != "on":
        parts.append(Ink(_actual(finding), "dim"))
    if finding.note:
        parts.append(Ink(f"  {output.safe_line(finding.note)}", "yellow"))
    return tuple(parts)


def _actual(finding: "Finding") -> str:
    if not finding.actual:
        return ""
    values = finding.actual if len(finding.actual) > 1 else finding.actual[0]
    told = values if isinstance(values, str) and finding.operator == "on" else _json(values)
    return output.safe_line(f"  is {told}", most=VALUE_MAX)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
