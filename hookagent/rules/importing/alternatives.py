"""Conditions while they are imported: a list of groups, at least one of which must hold."""

from itertools import product
from typing import Any

from hookagent.lookup import format_path
from hookagent.rules.importing.imported import CannotImport
from hookagent.rules.inline import inline
from hookagent.rules.operators import FIELD, OPERATORS

Group = dict[str, Any]
"""Path to requirement; all of them must hold."""
Alternatives = list[Group]
Path = tuple[str, ...]

ALTERNATIVES_MAX = 256
"""What a document may come to when it is multiplied out."""


def both(left: Alternatives, right: Alternatives) -> Alternatives:
    """Join two conditions: each alternative of one with each of the other."""
    if len(left) * len(right) > ALTERNATIVES_MAX:
        raise CannotImport(f"it comes to more than {ALTERNATIVES_MAX} alternatives: split it")
    return [_merged(one, other) for one, other in product(left, right)]


def _merged(one: Group, other: Group) -> Group:
    merged = dict(one)
    for path, requirement in other.items():
        merged[path] = conjoined(merged[path], requirement) if path in merged else requirement
    return merged


def table_of(requirement: Any) -> dict[str, Any]:
    """Write a requirement as a table of operators."""
    if isinstance(requirement, dict):
        return requirement
    return {"in" if isinstance(requirement, list) else "eq": requirement}


def conjoined(one: Any, other: Any) -> Any:
    """Ask for two requirements on one path; any element may meet each.

    An operator that is there already goes into `item`, which takes a list of tables.
    """
    table = dict(table_of(one))
    for name, argument in table_of(other).items():
        if name not in table:
            table[name] = argument
        elif inline(table[name]) == inline(argument):
            continue
        elif name in {"item", "not"}:
            table[name] = [*_tables(table[name]), *_tables(argument)]
        else:
            table["item"] = [*_tables(table.get("item", [])), {name: argument}]
    return table


def _tables(clause: Any) -> list[Any]:
    """Write what stands below `item` or `not` as a list of tables."""
    if isinstance(clause, list) and all(isinstance(part, dict) for part in clause):
        return list(clause)
    return [table_of(clause)]


def below(name: str, inner: Alternatives, *, as_item: bool) -> Alternatives:
    """Put conditions on the members of an object below its name.

    With `as_item`, several of them must be met by one element where the object is a list of them.
    """
    return [_below(name, group, as_item=as_item and len(group) > 1) for group in inner]


def _below(name: str, group: Group, *, as_item: bool) -> Group:
    if as_item or any("@item" in inline(requirement) for requirement in group.values()):
        return {name: item_of(group)}
    return {joined(name, path): requirement for path, requirement in group.items()}


def item_of(group: Group) -> dict[str, Any]:
    """Ask for one element that meets a group by itself.

    Where all its fields are named like operators, they are written as the paths they are.
    """
    if not all(path in OPERATORS or path == FIELD for path in group):
        return {"item": group}
    return {"item": {f"['{path}']": requirement for path, requirement in group.items()}}


def joined(name: str, path: str) -> str:
    """Write the path of a member of what another path reaches."""
    return f"{name}{path}" if path.startswith("[") else f"{name}.{path}"


def path_of(name: str) -> str:
    """Write one member's name as a path."""
    return format_path((name,))


def shared(alternatives: Alternatives) -> tuple[Group, Alternatives]:
    """Split alternatives into what all of them ask for and what is left of each."""
    if len(alternatives) == 1:
        return alternatives[0], []
    first = alternatives[0]
    common = {
        path: requirement
        for path, requirement in first.items()
        if all(path in it and inline(it[path]) == inline(requirement) for it in alternatives)
    }
    rest = [
        {path: requirement for path, requirement in group.items() if path not in common}
        for group in alternatives
    ]
    return common, [] if any(not group for group in rest) else _distinct(rest)


def _distinct(groups: Alternatives) -> Alternatives:
    return list({inline(group): group for group in groups}.values())
