"""Reads conditions: `path = literal`, `path = [any of]`, `path = { operator = argument }`.

A key is one whole path. A table on the right is always a table of operators, except below `item`
and `all`, where a table with a key that is no operator is a table of paths into the element.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hookagent.errors import did_you_mean
from hookagent.located import Table, Where, describe
from hookagent.lookup import PathError
from hookagent.rules.arguments import TAKES_FIELD, Kind, WrongArgument, read
from hookagent.rules.changed import Change, Place, conventional
from hookagent.rules.model import Condition, Field, Group, Predicate
from hookagent.rules.operators import FIELD, OPERATORS, Operator
from hookagent.rules.scope import ITSELF, read_reference, relative
from hookagent.subject import Reference

NESTING_MAX = 8
"""`item` in `not` in `item` …: deeper ones are a mistake."""
NUMBER_OPERATORS = frozenset({"eq", "in", "not", "gt", "gte", "lt", "lte", "between"})
"""What a length can be held against."""

_PLAIN = str.maketrans("", "", "_-$")
ELSEWHERE = {
    "startswith": "prefix", "beginswith": "prefix", "endswith": "suffix", "match": "regex",
    "matches": "regex", "re": "regex", "equals": "eq", "equal": "eq", "is": "eq", "ne": "not",
    "neq": "not", "nin": "not", "notin": "not", "anythingbut": "not", "ge": "gte", "le": "lte",
    "oneof": "in", "includes": "contains", "has": "contains", "like": "glob", "wildcard": "glob",
}  # fmt: skip
"""What other tools and languages call our operators, in small letters and without signs."""


def read_group(table: Table) -> Group:
    """Read a table of conditions, all of which must hold."""
    return tuple(_Reader(table, (), None, 0).paths(table.data))


def read_references(table: Table, key: str) -> tuple[Reference, ...]:
    """Read a key that holds one reference or a list of them."""
    references = []
    for text in table.texts(key):
        try:
            references.append(read_reference(text))
        except PathError as error:
            _report_path(table, (key,), text, error)
    return tuple(references)


def _report_path(table: Table, at: Where, text: str, error: PathError) -> None:
    table.report(
        "wrong-path",
        f"`{text}` is not a path: {error}",
        at=at,
        hint=getattr(error, "hint", None),
        on_key=True,
    )


@dataclass(slots=True)
class _Reader:
    """Reads what stands at one place of a table."""

    table: Table
    at: Where
    """From the table down to here."""
    reference: Reference | None
    """What the operators here are about; None above the paths."""
    depth: int

    def below(self, key: str | int, reference: Reference | None = None) -> "_Reader":
        return _Reader(self.table, (*self.at, key), reference or self.reference, self.depth + 1)

    def _report(self, code: str, message: str, hint: str | None = None, *, key: str = "") -> None:
        at = (*self.at, key) if key else self.at
        self.table.report(code, message, at=at, hint=hint, on_key=bool(key))

    def paths(self, data: dict[str, Any], *, is_relative: bool = False) -> Iterator[Condition]:
        """Read a table whose keys are paths."""
        if self.depth > NESTING_MAX:
            self._report("too-deep", f"conditions nested deeper than {NESTING_MAX} levels")
            return
        for text, value in data.items():
            if not self.at:
                self.table.raw(text)
            try:
                reference = relative(text) if is_relative else read_reference(text)
            except PathError as error:
                _report_path(self.table, (*self.at, text), text, error)
                continue
            below = self.below(text, reference)
            if isinstance(value, dict) and not self._is_written(text):
                below.report_dotted(text, value)
            else:
                yield from below.requirement(value)

    def _is_written(self, key: str) -> bool:
        return self.table.document.is_written((*self.table.where, *self.at, key))

    def report_dotted(self, text: str, value: dict[str, Any]) -> None:
        """Answer `a.b = 1`, which TOML reads as a table inside a table."""
        name = next(iter(value), "")
        if name in OPERATORS or name == FIELD:
            hint = f"write: {text} = {{ {name} = … }}"
        else:
            hint = f'quote the whole path: "{text}.{name}" = …'
        self.table.report(
            "bare-dotted-key",
            f"`{text}.{name}` without quotes makes tables inside tables",
            at=self.at,
            hint=hint,
            on_key=True,
        )

    def requirement(self, value: Any, *, folds: bool = False) -> Iterator[Condition]:
        """Read the right side of a path: a literal, a list, or a table of operators."""
        assert self.reference is not None
        prefix = "i" if folds else ""
        if isinstance(value, dict):
            yield from self.operators(value)
            return
        name = f"{prefix}in" if isinstance(value, list) else f"{prefix}eq"
        argument = self.argument(OPERATORS[name], value)
        if argument is not None:
            yield self._condition(_simplest(Predicate(name, argument[0])))

    def operators(self, data: dict[str, Any]) -> Iterator[Condition]:
        """Read a table of operators, each a condition of its own."""
        assert self.reference is not None
        if not data:
            self._report("empty-table", "there is no operator in this table")
        for name, value in data.items():
            if name == FIELD:
                argument = self.below(name).field(value)
                if argument is not None:
                    yield self._condition(Predicate("eq", argument))
                continue
            if name not in OPERATORS:
                self._report_unknown(name)
                continue
            for place, part in _each(OPERATORS[name], value):
                at = self.below(name) if place is None else self.below(name).below(place)
                read_one = at.argument(OPERATORS[name], part)
                if read_one is not None:
                    yield self._condition(_simplest(Predicate(name, read_one[0])))

    def _report_unknown(self, name: str) -> None:
        meant = ELSEWHERE.get(name.lower().translate(_PLAIN))
        hint = did_you_mean(name, (*OPERATORS, FIELD)) if meant is None else f"write `{meant}`"
        if "." in name or "[" in name or hint is None:
            path = f"{self.reference}.{name}"
            hint = f'a field of the payload is one quoted path: "{path}" = …'
        self._report("unknown-operator", f"`{name}` is not an operator", hint, key=name)

    def _condition(self, predicate: Predicate) -> Condition:
        assert self.reference is not None
        where = (*self.table.where, *self.at)
        line, _ = self.table.document.place_of_key(where)
        return Condition(self.reference, predicate, line)

    def argument(self, operator: Operator, value: Any) -> tuple[Any] | None:
        """Read an operator's argument; None after reporting what is wrong with it."""
        if self.depth > NESTING_MAX:
            self._report("too-deep", f"conditions nested deeper than {NESTING_MAX} levels")
            return None
        if isinstance(value, dict) and set(value) == {FIELD} and operator.kind in TAKES_FIELD:
            argument = self.below(FIELD).field(value[FIELD])
            return None if argument is None else (argument,)
        try:
            match operator.kind:
                case Kind.CLAUSE | Kind.ITEM | Kind.LENGTH:
                    return self._clause(operator, value)
                case Kind.CHANGE:
                    return (self._change(value),)
                case kind:
                    return (read(kind, value, is_folded=operator.folds),)
        except WrongArgument as wrong:
            self._report(wrong.code, f"`{operator.name}`: {wrong.message}", wrong.hint)
            return None

    def field(self, value: Any) -> Field | None:
        if not isinstance(value, str):
            self._report("wrong-type", f"`field` must be a path in quotes, not {describe(value)}")
            return None
        try:
            return Field(read_reference(value))
        except PathError as error:
            _report_path(self.table, self.at, value, error)
            return None

    def _clause(self, operator: Operator, value: Any) -> tuple[Group] | None:
        """Read what each element is held against."""
        inner = _Reader(self.table, self.at, ITSELF, self.depth + 1)
        known = len(self.table.problems)
        if not isinstance(value, dict):
            group = tuple(inner.requirement(value, folds=operator.folds))
        elif operator.folds:
            raise WrongArgument(
                f"`{operator.name}` takes text or a list",
                "write: not = { icontains = … }, with `i` before the operator within",
            )
        elif operator.kind is Kind.ITEM and not _are_operators(value):
            group = tuple(inner.paths(value, is_relative=True))
        else:
            group = tuple(inner.operators(value))
        if operator.kind is Kind.LENGTH:
            _check_length(group)
        return (group,) if group and len(self.table.problems) == known else None

    def _change(self, value: Any) -> Change:
        assert self.reference is not None
        if isinstance(value, str):
            try:
                former = Place(read_reference(value), is_compared=True)
                return Change(is_expected=True, places=(former,))
            except PathError as error:
                raise WrongArgument(
                    f"`{value}` is not a path: {error}", code="wrong-path"
                ) from None
        if not isinstance(value, bool):
            raise WrongArgument(
                f"it must be true, false or the path of the former value, not {describe(value)}",
            )
        places = conventional(self.reference.path) if self.reference.is_payload else ()
        if not places:
            raise WrongArgument(
                "only a value of the payload can change",
                'name the former value: { changed = "path.of.it" }',
            )
        return Change(is_expected=value, places=places)


def _each(operator: Operator, value: Any) -> list[tuple[int | None, Any]]:
    """Open a list of tables below `item`, `all` and `not`: each is a requirement of its own."""
    is_list = operator.kind in {Kind.CLAUSE, Kind.ITEM} and isinstance(value, list) and value
    if is_list and all(isinstance(part, dict) for part in value):
        return list(enumerate(value))
    return [(None, value)]


def _are_operators(data: dict[str, Any]) -> bool:
    return all(name in OPERATORS or name == FIELD for name in data)


def _check_length(group: Group) -> None:
    for condition in group:
        argument = condition.predicate.argument
        is_text = (
            isinstance(argument, str | Field) or condition.predicate.op not in NUMBER_OPERATORS
        )
        if is_text:
            raise WrongArgument(
                "a length is a whole number or a table of number operators",
                "such as `len = 2` or `len = { gte = 2 }`",
            )


def _simplest(predicate: Predicate) -> Predicate:
    """Write equal requirements alike: a list of one is that one, in every operator."""
    values = predicate.argument
    if predicate.op in {"in", "iin"} and isinstance(values, frozenset) and len(values) == 1:
        return Predicate(predicate.op.replace("in", "eq"), next(iter(values)))
    return predicate
