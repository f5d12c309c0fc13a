"""Reads rule files into a rule set; every problem of every file at once, each with its place.

A file holds `[rule.NAME]` tables, or one rule at its top whose name is the file's. Named
conditions and calendars are shared by all files.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from hookagent.errors import ConfigError, Problem, Severity
from hookagent.located import Document, Table, parse
from hookagent.rules.calendar import Calendar
from hookagent.rules.cases import read_cases
from hookagent.rules.conditions import read_references
from hookagent.rules.ignores import Ignores, read_ignores
from hookagent.rules.model import Group, Rule, RuleSet, StepSpec, version_of
from hookagent.rules.requirements import KEYS, read_named, read_requirements
from hookagent.rules.steps import CheckStep, Patience, read_steps
from hookagent.rules.timing import (
    calendar_of,
    read_absence,
    read_calendar,
    read_debounce,
    read_sequence,
    read_throttle,
    read_window,
)

RULE_KEYS = [
    "about",
    "enabled",
    "on",
    "use",
    "when",
    "any",
    "unless",
    "expr",
    "during",
    "priority",
    "stop",
    "fallback",
    "window",
    "throttle",
    "debounce",
    "sequence",
    "absence",
    "do",
    "test",
    "concurrency",
    "retry",
    "timeout",
    "on_interrupt",
    "ordered_by",
]
"""What a rule's table may hold; the documentation and the schema list the same."""
FILE_KEYS = ("rule", "condition", "calendar")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
"""A rule's name: it stands in lists, URLs and file names."""
CONCURRENCY_MAX = 10_000
PRIORITY_MAX = 1_000_000


@dataclass(slots=True)
class _Shared:
    """What all files have in common."""

    check_step: CheckStep | None
    ignores: dict[str, Ignores]
    """By file."""
    conditions: dict[str, Group] = field(default_factory=dict)
    calendars: dict[str, Calendar] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    """Where each rule, by name, was written."""


def read_rules(
    files: Sequence[tuple[str, str]],
    *,
    check_step: CheckStep | None = None,
) -> RuleSet:
    """Read rule files, given as name and text.

    `check_step(action, table)` reads the options of one step and reports what is wrong with them.
    Raises ConfigError with all problems of all files; warnings alone do not stop it.
    """
    problems: list[Problem] = []
    ignores = {name: read_ignores(text, name, problems) for name, text in files}
    shared = _Shared(check_step, ignores)
    roots = [Table.root(document, problems) for document in _documents(files, problems)]
    for root in roots:
        _read_calendars(root, shared)
    for root in roots:
        _read_named_conditions(root, shared)
    rules = [rule for root in roots for rule in _read_file(root, shared)]
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise ConfigError(in_order(problems))
    return RuleSet(
        rules=tuple(sorted(rules, key=lambda rule: -rule.priority)),  # stable: file, place
        calendars=shared.calendars,
        version=_version(files),
        warnings=tuple(in_order(problems)),
    )


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """Sort problems by place, and drop those said twice."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda it: (it.file or "", it.line or 0, it.column or 0))


def _version(files: Sequence[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for name, text in files:
        digest.update(f"{name}\0{len(text)}\0{text}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def _documents(files: Sequence[tuple[str, str]], problems: list[Problem]) -> list[Document]:
    documents = []
    for name, text in files:
        try:
            documents.append(parse(text, name))
        except ConfigError as error:
            problems.extend(error.problems)
    return documents


def _read_calendars(root: Table, shared: _Shared) -> None:
    for name, table in root.named("calendar"):
        if name in shared.calendars:
            table.report("name-taken", f"there is already a calendar `{name}`", on_key=True)
        shared.calendars[name] = read_calendar(name, table)


def _read_named_conditions(root: Table, shared: _Shared) -> None:
    for name, table in root.named("condition"):
        if name in shared.conditions:
            table.report("name-taken", f"there is already a condition `{name}`", on_key=True)
        shared.conditions[name] = read_named(name, table)


def _read_file(root: Table, shared: _Shared) -> list[Rule]:
    """Read the rules of one file: its `[rule.NAME]` tables, or the one at its top."""
    top = [key for key in root.data if key in RULE_KEYS]
    if not top:
        rules = [_read_rule(name, table, shared) for name, table in root.named("rule")]
        root.finish(*FILE_KEYS)
        return rules
    if "rule" in root:
        root.report(
            "mixed-file",
            f"the file has both `{top[0]}` at its top and [rule.NAME] tables",
            key=top[0],
            hint=f"put `{top[0]}` under a [rule.NAME]",
            on_key=True,
        )
        return []
    for key in FILE_KEYS:
        root.raw(key)
    return [_read_rule(PurePath(root.document.file).stem, root, shared)]


def _read_rule(name: str, table: Table, shared: _Shared) -> Rule:
    """Read one rule; what is wrong in it is reported, and something harmless stands for it."""
    line, _ = table.document.place_of_key(table.where)
    place = f"{table.document.file}:{line}"
    if name in shared.places:
        table.report(
            "name-taken", f"rule `{name}` is already at {shared.places[name]}", on_key=True
        )
    shared.places[name] = place
    if not NAME.fullmatch(name):
        table.report(
            "wrong-name",
            f"`{name}` cannot be a rule's name",
            hint="letters, digits, `_`, `-` and `.`, a letter or digit first",
            on_key=True,
        )
    return _build(name, line, table, shared)


def _build(name: str, line: int, table: Table, shared: _Shared) -> Rule:
    asked = read_requirements(table, shared.conditions)
    steps = _steps(name, table, shared)
    sequence = read_sequence(table) if "sequence" in table else None
    follow = _follow(name, sequence[1], shared) if sequence else None
    file = table.document.file
    rule = Rule(
        name=name,
        about=table.text("about"),
        file=file,
        line=line,
        enabled=table.boolean("enabled", default=True),
        on=asked.on,
        when=asked.when,
        any=asked.any,
        unless=asked.unless,
        during=calendar_of(table, "during", shared.calendars) if "during" in table else None,
        priority=table.integer("priority", 0, least=-PRIORITY_MAX, most=PRIORITY_MAX),
        stop=table.boolean("stop"),
        fallback=table.boolean("fallback"),
        window=read_window(table) if "window" in table else None,
        throttle=read_throttle(table) if "throttle" in table else None,
        debounce=read_debounce(table) if "debounce" in table else None,
        sequence=sequence[0] if sequence else None,
        absence=read_absence(table, shared.calendars) if "absence" in table else None,
        follow=follow,
        do=steps,
        tests=read_cases(table, asked.on, follow.on if follow else ()) if "test" in table else (),
        concurrency=_concurrency(table),
        ordered_by=read_references(table, "ordered_by") if "ordered_by" in table else (),
        ignores=shared.ignores[file].get(name if table.where else "", {}),
        version=version_of(steps),
    )
    table.finish(*RULE_KEYS, *(() if table.where else FILE_KEYS))
    _check_over_time(rule, table)
    return rule


def _steps(name: str, table: Table, shared: _Shared) -> tuple[StepSpec, ...]:
    patience = Patience.default().read(table)
    if "do" not in table or table.data["do"] == []:
        header = f"[[rule.{name}.do]]" if table.where else "[[do]]"
        table.report(
            "no-action", f"rule `{name}` does nothing", hint=f"add {header} with an action"
        )
    return read_steps(table, patience, shared.check_step)


def _concurrency(table: Table) -> int | None:
    if "concurrency" not in table:
        return None
    return table.integer("concurrency", 1, least=1, most=CONCURRENCY_MAX)


def _follow(name: str, table: Table, shared: _Shared) -> Rule:
    """Read the second half of a sequence as a rule that does nothing."""
    asked = read_requirements(table, shared.conditions)
    table.finish("by", *KEYS)
    if not (asked.on or asked.when or asked.any):
        table.report("wrong-sequence", "the follow-up would be any event", hint="give it `on`")
    return Rule(
        name=name,
        file=table.document.file,
        line=table.document.place_of_key(table.where)[0],
        on=asked.on,
        when=asked.when,
        any=asked.any,
        unless=asked.unless,
    )


_PAIRED = ("window", "debounce", "sequence", "absence")


def _check_over_time(rule: Rule, table: Table) -> None:
    """Refuse what has no single meaning: at most one of them decides when a rule fires."""
    given = [key for key in _PAIRED if getattr(rule, key) is not None]
    if len(given) > 1:
        table.report(
            "contradiction",
            f"`{given[0]}` and `{given[1]}` cannot be in one rule",
            key=given[1],
            hint="only `throttle` goes together with another one",
            on_key=True,
        )
    is_by_timer = rule.debounce or rule.absence or (rule.sequence and rule.sequence.is_without)
    if rule.ordered_by and is_by_timer:
        table.report(
            "contradiction",
            f"`ordered_by` and `{given[0]}` cannot be in one rule",
            key="ordered_by",
            hint="time lets it fire, not an event whose place in the order could be kept",
            on_key=True,
        )
