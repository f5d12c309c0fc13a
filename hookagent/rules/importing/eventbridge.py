"""Amazon EventBridge event patterns.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

A pattern's leaves are lists: any of their entries. An entry is a value or one matcher. Several
matchers in one list become alternatives, so a pattern becomes `any` groups where one operator table
cannot say it. `$or` becomes groups as well.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hookagent.lookup import format_path
from hookagent.rules.importing.alternatives import Alternatives, Path, below, both, path_of, shared
from hookagent.rules.importing.imported import CannotImport, Imported, Notes, finished
from hookagent.rules.inline import inline
from hookagent.rules.write import Draft, rule_name, rule_text

PLAIN_DEPTH = 1
"""Objects down to here (`detail`) are never lists; deeper ones may be lists of objects."""


def seems(document: dict[str, Any]) -> bool:
    """Whether a document looks like an event pattern: every leaf a list."""
    if not document:
        return False
    return all(
        isinstance(value, list) or (isinstance(value, dict) and seems(value))
        for value in document.values()
    )


def convert(document: Any, name: str) -> Imported:
    """Convert a pattern, or a rule as the API writes it (`EventPattern`). Raises CannotImport."""
    notes = Notes()
    pattern = document
    about = ""
    if isinstance(document, dict) and "EventPattern" in document:
        about = str(document.get("Description") or "")
        name = rule_name(str(document.get("Name") or name))
        pattern = _decoded(document["EventPattern"])
        _targets(document, notes)
    if not isinstance(pattern, dict) or not pattern:
        raise CannotImport("an event pattern is an object with at least one field")
    alternatives = _alternatives(pattern, (), notes)
    keys = {"enabled": False} if document.get("State") == "DISABLED" else {}
    common, groups = shared(alternatives)
    draft = Draft(
        name=rule_name(name),
        about=about or "Imported from an EventBridge pattern",
        when=common,
        any=groups,
        do=[{"action": "log", "text": f"{rule_name(name)} fired"}],
        keys=keys,
    )
    return finished(rule_text(draft), notes)


def _decoded(pattern: Any) -> Any:
    import msgspec

    if not isinstance(pattern, str):
        return pattern
    try:
        return msgspec.json.decode(pattern)
    except msgspec.DecodeError as error:
        raise CannotImport(f"`EventPattern` is not JSON: {error}") from None


def _targets(document: dict[str, Any], notes: Notes) -> None:
    for place, target in enumerate(document.get("Targets") or []):
        arn = target.get("Arn", "") if isinstance(target, dict) else target
        notes.lost(("Targets", place), f"`{arn}` is an AWS target: write the action yourself")
    if document.get("ScheduleExpression"):
        notes.lost(("ScheduleExpression",), "rules are set off by events, not by a schedule")


def _alternatives(pattern: dict[str, Any], at: Path, notes: Notes) -> Alternatives:
    """Return the groups of which one must hold: all fields of one level joined."""
    found: Alternatives = [{}]
    for name, value in pattern.items():
        found = both(found, _of_field(name, value, (*at, name), notes))
    return found


def _of_field(name: str, value: Any, here: Path, notes: Notes) -> Alternatives:
    if name == "$or" and _is_or(value):
        options = [it for part in value for it in _alternatives(part, here[:-1], notes)]
        notes.kept(here, f"{len(options)} groups, one of which must hold")
        return options
    if isinstance(value, dict) and value:
        inner = _alternatives(value, here, notes)
        return below(path_of(name), inner, as_item=len(here) > PLAIN_DEPTH)
    if isinstance(value, list) and value:
        return [{path_of(name): it} for it in _leaf(here, value, notes)]
    raise CannotImport(
        f"`{format_path(here)}` must be a list with at least one entry, or an object with fields",
    )


def _is_or(value: Any) -> bool:
    """Whether `$or` is the operator: a list of two or more objects that are no matchers."""
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(isinstance(part, dict) and part and not _is_matcher(part) for part in value)
    )


def _is_matcher(entry: dict[str, Any]) -> bool:
    return len(entry) == 1 and next(iter(entry)) in MATCHERS


def _leaf(at: Path, entries: list[Any], notes: Notes) -> list[Any]:
    """Convert one list: its values together, each kind of matcher a requirement of its own."""
    path = format_path(at)
    values = [entry for entry in entries if not isinstance(entry, dict | list)]
    requirements = list(_of_values(values))
    for place, entry in enumerate(entries):
        if isinstance(entry, list):
            raise CannotImport(f"`{path}[{place}]` is a list in a list")
        if isinstance(entry, dict):
            requirements.extend(_of_matcher(entry, (*at, str(place)), notes))
    folded = _folded_together(requirements)
    for requirement in folded:
        notes.kept(at, f"{path} = {inline(requirement)}")
    return folded


def _of_values(values: list[Any]) -> Iterator[Any]:
    plain = [value for value in values if value is not None]
    if plain:
        yield plain[0] if len(plain) == 1 else plain
    if None in values:
        yield {"null": True}


def _folded_together(requirements: list[Any]) -> list[Any]:
    """Join matchers of one kind into one operator: `prefix` with two texts is either of them."""
    joined: list[Any] = []
    for requirement in requirements:
        for known in joined:
            if _is_same_operator(known, requirement):
                name = next(iter(known))
                known[name] = [*_listed(known[name]), *_listed(requirement[name])]
                break
        else:
            joined.append(dict(requirement) if isinstance(requirement, dict) else requirement)
    return joined


_LISTABLE = frozenset({"prefix", "iprefix", "suffix", "isuffix", "glob", "cidr"})


def _is_same_operator(one: Any, other: Any) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(other, dict)
        and one.keys() == other.keys()
        and len(one) == 1
        and next(iter(one)) in _LISTABLE
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _of_matcher(entry: dict[str, Any], at: Path, notes: Notes) -> list[Any]:
    place = format_path(at)
    if len(entry) != 1:
        raise CannotImport(f"`{place}` must be an object with one matcher")
    name, argument = next(iter(entry.items()))
    if name not in MATCHERS:
        raise CannotImport(f"`{place}`: there is no matcher `{name}`")
    return MATCHERS[name](argument, at, notes)


def _texts(value: Any, at: Path) -> Any:
    """Check a text, or a list of them."""
    if isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(it, str) for it in value)
    ):
        return value
    raise CannotImport(f"`{format_path(at)}` must be text")


def _affix(name: str) -> "Matcher":
    def convert_affix(argument: Any, at: Path, _notes: Notes) -> list[Any]:
        if isinstance(argument, dict):
            return [{f"i{name}": _texts(argument.get("equals-ignore-case"), at)}]
        if argument == "":
            return [{"type": "string"}]  # every text begins and ends with the empty one
        return [{name: _texts(argument, at)}]

    return convert_affix


def _ignore_case(argument: Any, at: Path, _notes: Notes) -> list[Any]:
    texts = _texts(argument, at)
    return [{"ieq": texts} if isinstance(texts, str) else {"iin": texts}]


def _wildcard(argument: Any, at: Path, _notes: Notes) -> list[Any]:
    texts = _texts(argument, at)
    return [{"glob": _glob(texts) if isinstance(texts, str) else [_glob(it) for it in texts]}]


def _glob(text: str) -> str:
    r"""Write a wildcard as a glob: `*` and `\*` mean the same, `?` and `[` are letters there."""
    return text.replace("?", "\\?").replace("[", "\\[")


def _exists(argument: Any, at: Path, notes: Notes) -> list[Any]:
    if not isinstance(argument, bool):
        raise CannotImport(f"`{format_path(at)}`: `exists` is true or false")
    reason = "objects and empty lists exist here, there only leaves do"
    notes.kept(at, f"exists = {str(argument).lower()}", reason)
    return [{"exists": argument}]


def _cidr(argument: Any, at: Path, _notes: Notes) -> list[Any]:
    return [{"cidr": _texts(argument, at)}]


_BOUNDS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


def _numeric(argument: Any, at: Path, _notes: Notes) -> list[Any]:
    """Convert `["=", 5]`, `[">", 0, "<=", 5]`; both ends hold for one element."""
    pairs = (
        list(zip(argument[::2], argument[1::2], strict=False)) if isinstance(argument, list) else []
    )
    if not pairs or len(argument) % 2 or any(isinstance(it, bool) for _, it in pairs):
        raise CannotImport(f"`{format_path(at)}`: `numeric` is a list of comparisons and numbers")
    if any(not isinstance(limit, int | float) for _, limit in pairs):
        raise CannotImport(f"`{format_path(at)}`: `numeric` compares with numbers")
    if pairs[0][0] == "=":
        return [pairs[0][1]]
    if any(sign not in _BOUNDS for sign, _ in pairs):
        raise CannotImport(f"`{format_path(at)}`: `numeric` knows = < <= > >=")
    table = {_BOUNDS[sign]: limit for sign, limit in pairs}
    return [table if len(table) == 1 else {"item": table}]


def _anything_but(argument: Any, at: Path, notes: Notes) -> list[Any]:
    """Convert `anything-but` in all its forms to `not`, which means no element."""
    reason = "no element of a list may be it; there, one other element is enough"
    if isinstance(argument, dict):
        inner = _of_matcher(argument, (*at, "anything-but"), notes)
        requirement = inner[0] if len(inner) == 1 else {}
        if not isinstance(requirement, dict) or not requirement:
            raise CannotImport(f"`{format_path(at)}`: this form of `anything-but` is not known")
        converted: Any = {"not": requirement}
    else:
        values = argument if isinstance(argument, list) else [argument]
        if not values or any(isinstance(value, dict | list) for value in values):
            raise CannotImport(f"`{format_path(at)}`: this form of `anything-but` is not known")
        plain = [value for value in values if value is not None]
        converted = {"not": plain[0] if len(plain) == 1 else plain} if plain else {}
        converted |= {"null": False} if None in values else {}
    notes.kept(at, inline(converted), reason)
    return [converted]


Matcher = Callable[[Any, Path, Notes], list[Any]]
MATCHERS: Mapping[str, Matcher] = {
    "prefix": _affix("prefix"),
    "suffix": _affix("suffix"),
    "equals-ignore-case": _ignore_case,
    "wildcard": _wildcard,
    "exists": _exists,
    "cidr": _cidr,
    "numeric": _numeric,
    "anything-but": _anything_but,
}
"""Every matcher of the operators page."""
