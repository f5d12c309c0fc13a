"""Reads what a rule asks of one event: `on`, `when`, `use`, `expr`, `any`, `unless`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from hookagent.errors import did_you_mean
from hookagent.located import Table, describe
from hookagent.rules.conditions import read_group
from hookagent.rules.expressions import ExpressionError, parse_expression
from hookagent.rules.model import Condition, Group, Pattern, Predicate
from hookagent.rules.operators import EXPR
from hookagent.rules.patterns import WrongPattern, glob_program
from hookagent.rules.scope import WHOLE

KEYS = ("on", "when", "use", "expr", "any", "unless")
Named = Mapping[str, Group]
"""The `[condition.NAME]` groups of all files."""
SHOWN_MAX = 80
"""As much of an expression as a message quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What an event must be like."""

    on: tuple[Pattern, ...]
    when: Group
    any: tuple[Group, ...]
    unless: tuple[Group, ...]


def read_requirements(table: Table, named: Named) -> Requirements:
    """Read the keys a rule and the second half of a sequence have in common."""
    return Requirements(
        on=read_patterns(table),
        when=(*_when(table), *_used(table, named), *_expressions(table)),
        any=_groups(table, "any", named),
        unless=_groups(table, "unless", named),
    )


def read_named(name: str, table: Table) -> Group:
    """Read `[condition.NAME]`; its conditions remember the name."""
    return tuple(Condition(it.reference, it.predicate, it.line, name) for it in read_group(table))


def read_patterns(table: Table) -> tuple[Pattern, ...]:
    """Read `on`: SOURCE/TYPE globs, one or a list; none means every event."""
    patterns = [_read_pattern(table, text) for text in table.texts("on")]
    if "on" in table and table.data["on"] == []:
        table.report(
            "empty-list", "`on` is an empty list", key="on", hint="leave it out: any event"
        )
    return _shared(tuple(dict.fromkeys(it for it in patterns if it is not None)))


@lru_cache(maxsize=4_096)
def _shared(patterns: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
    """Return the equal patterns that were read first: thousands of rules are of a few types."""
    return patterns


def _read_pattern(table: Table, text: str) -> Pattern | None:
    source, slash, type_glob = text.partition("/")
    if not source.strip() or (slash and not type_glob.strip()):
        hint = 'such as "github/push", "github" or "*/order.*"'
        table.report("wrong-pattern", f"`{text}` is not SOURCE/TYPE", key="on", hint=hint)
        return None
    try:
        glob_program(source)
        glob_program(type_glob or "*")
    except WrongPattern as error:
        table.report("wrong-pattern", f"`{text}` is not a glob: {error}", key="on")
        return None
    return Pattern(source, type_glob or "*")


def _when(table: Table) -> Group:
    when = table.table("when")
    return read_group(when) if when is not None else ()


def _used(table: Table, named: Named) -> list[Condition]:
    return [it for name in table.texts("use") for it in _named(table, "use", name, named)]


def _named(table: Table, key: str, name: str, named: Named) -> Group:
    if name not in named:
        hint = did_you_mean(name, named) or f"write [condition.{name}]"
        table.report("unknown-condition", f"there is no condition `{name}`", key=key, hint=hint)
    return named.get(name, ())


def _groups(table: Table, key: str, named: Named) -> tuple[Group, ...]:
    """Read `any` or `unless`: tables of conditions, or names of shared ones."""
    if key not in table:
        return ()
    listed = table.raw(key)
    if not isinstance(listed, list) or not any(isinstance(part, str) for part in listed):
        groups = [_read_said(inner) for inner in table.tables(key)]
        return tuple(group for group in groups if group)
    groups = []
    for place, part in enumerate(listed):
        if isinstance(part, str):
            groups.append(_named(table, key, part, named))
        elif isinstance(part, dict):
            where = (*table.where, key, place)
            groups.append(_read_said(Table(table.document, where, part, table.problems)))
        else:
            what = f"`{key}` holds tables of conditions or names, not {describe(part)}"
            table.report("wrong-type", what, at=(key, place))
    return tuple(group for group in groups if group)


def _read_said(table: Table) -> Group:
    """Read a group that must ask for something; an empty one would be met by every event."""
    if not table.data:
        table.report("empty-group", "this group asks for nothing, so every event meets it")
    return read_group(table)


def _expressions(table: Table) -> list[Condition]:
    if "expr" not in table:
        return []
    is_list = isinstance(table.data.get("expr"), list)
    conditions = []
    for place, text in enumerate(table.texts("expr")):
        at: tuple[str | int, ...] = ("expr", place) if is_list else ("expr",)
        line, _ = table.document.place_of_value((*table.where, *at))
        try:
            predicate = Predicate(EXPR, parse_expression(text))
        except ExpressionError as error:
            shown = text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"
            message = f"{error}, at character {error.position + 1} of `{shown}`"
            table.report("wrong-expression", message, at=at, hint=error.hint)
            continue
        conditions.append(Condition(WHOLE, predicate, line))
    return conditions
