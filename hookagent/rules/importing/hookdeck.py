"""Hookdeck filters, and the open matcher behind them.

    https://hookdeck.com/docs/filters
    https://github.com/hookdeck/simple-json-match (MIT)

A filter has the shape of the data: nested objects are nested, a literal is equality, a list means
that all of it is contained, an object of `$operators` is a table of operators. It is about the
body, or about `body`, `headers`, `query` and `path` each.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hookagent.rules.importing.alternatives import (
    Alternatives,
    Group,
    below,
    both,
    conjoined,
    item_of,
    joined,
    path_of,
    shared,
    table_of,
)
from hookagent.rules.importing.imported import CannotImport, Imported, Notes, finished
from hookagent.rules.inline import inline
from hookagent.rules.write import Draft, rule_name, rule_text

PARTS = frozenset({"body", "headers", "query", "path"})
Way = tuple[str | int, ...]
"""The keys that led to a place in the filter."""


def seems(document: dict[str, Any]) -> bool:
    """Whether a document looks like a filter: it has parts of a request, or `$` operators."""
    return bool(document) and (_has_parts(document) or _has_operator(document))


def _has_parts(document: dict[str, Any]) -> bool:
    return document.keys() <= PARTS | {"type"} and bool(document.keys() & PARTS)


def _has_operator(value: Any) -> bool:
    if isinstance(value, dict):
        return any(name.startswith("$") or _has_operator(part) for name, part in value.items())
    return isinstance(value, list) and any(_has_operator(part) for part in value)


def convert(document: Any, name: str) -> Imported:
    """Convert a filter into one rule. Raises CannotImport."""
    if not isinstance(document, dict) or not document:
        raise CannotImport("a filter is an object with at least one field")
    notes = Notes()
    unless: list[Group] = []
    alternatives: Alternatives = [{}]
    for part in ("body", "headers", "query", "path") if _has_parts(document) else ("",):
        wanted = document.get(part) if part else document
        if wanted is None or wanted == {}:
            continue
        found, excluded = _part(part, wanted, notes)
        alternatives = both(alternatives, found)
        unless += excluded
    common, groups = shared(alternatives)
    draft = Draft(
        name=rule_name(name),
        about="Imported from a Hookdeck filter",
        when=common,
        any=groups,
        unless=unless,
        do=[{"action": "log", "text": f"{rule_name(name)} fired"}],
    )
    return finished(rule_text(draft), notes)


def _part(part: str, wanted: Any, notes: Notes) -> tuple[Alternatives, list[Group]]:
    """Convert what is asked of one part of the request; the second value is what must not be."""
    at: Way = (part,) if part else ()
    if part == "path":
        return [{"@path": it} for it in _value(wanted, at, notes)], []
    if part == "body" and (not isinstance(wanted, dict) or wanted.keys() & OPERATORS.keys()):
        notes.kept(at, "@body", "the text of the body; a text in JSON has its quotes")
        return [{"@body": it} for it in _value(_text_of(wanted), at, notes)], []
    if not isinstance(wanted, dict):
        raise CannotImport(f"`{part or 'the filter'}` must be an object")
    excluded: list[Group] = []
    rest = dict(wanted)
    if "$not" in rest:
        inner = _object(rest.pop("$not"), (*at, "$not"), notes)
        if any(not group for group in inner):
            raise CannotImport(f"`{_name((*at, '$not'))}` excludes everything")
        excluded = [_addressed(group, part) for group in inner]
        notes.kept((*at, "$not"), f"{len(excluded)} `unless` groups")
    found = _object(rest, at, notes) if rest else [{}]
    return [_addressed(group, part) for group in found], excluded


def _text_of(wanted: Any) -> Any:
    """Write what a whole body must be as what its text must be."""
    if isinstance(wanted, str):
        return {"$in": [wanted, inline(wanted)]}
    return wanted if isinstance(wanted, dict) else inline(wanted) if wanted is not None else "null"


def _addressed(group: Group, part: str) -> Group:
    """Put the paths of headers and query parameters into the envelope."""
    if part not in {"headers", "query"}:
        return group
    return {f"@{part}.{path.strip('[]').strip(QUOTES)}": it for path, it in group.items()}


QUOTES = "'\""


def _object(wanted: Any, at: Way, notes: Notes) -> Alternatives:
    """Convert an object of fields: all of them, with `$or` and `$and` among them."""
    if not isinstance(wanted, dict):
        raise CannotImport(f"`{_name(at)}` must be an object")
    found: Alternatives = [{}]
    for name, value in wanted.items():
        here = (*at, name)
        if name in {"$or", "$and"}:
            options = [_object(it, (*here, n), notes) for n, it in enumerate(_list(value, here))]
            found = both(found, _any(options) if name == "$or" else _all(options))
        elif name.startswith("$"):
            raise CannotImport(f"`{_name(here)}`: `{name}` has no field to be about")
        else:
            found = both(found, _field(name, value, here, notes))
    return found


def _any(options: list[Alternatives]) -> Alternatives:
    return [group for option in options for group in option]


def _all(options: list[Alternatives]) -> Alternatives:
    found: Alternatives = [{}]
    for option in options:
        found = both(found, option)
    return found


def _field(name: str, value: Any, at: Way, notes: Notes) -> Alternatives:
    if isinstance(value, dict) and value and not any(key.startswith("$") for key in value):
        return below(path_of(name), _object(value, at, notes), as_item=True)
    if _is_whole(value, "$eq"):
        group = _deep(path_of(name), value["$eq"])
        notes.kept(at, f"{len(group)} conditions, one for each part")
        return [group]
    if _is_whole(value, "$neq"):
        options = _differing(path_of(name), value["$neq"])
        notes.kept(at, f"{len(options)} groups, one for each part that may differ")
        return options
    found: Alternatives = [{path_of(name): it} for it in _value(value, at, notes)]
    for group in found:
        notes.kept(at, inline(group)[2:-2], _difference(value))
    return found


def _is_whole(value: Any, operator: str) -> bool:
    """Whether a field is held against a whole list or object by this operator and no other."""
    argument = value.get(operator) if isinstance(value, dict) and len(value) == 1 else None
    return isinstance(argument, list) or (isinstance(argument, dict) and set(argument) != {"$ref"})


def _difference(value: Any) -> str:
    if isinstance(value, dict) and value.keys() & {"$neq", "$nin"}:
        return "no element of a list may be it; there, the list as a whole differs"
    return ""


def _value(value: Any, at: Way, notes: Notes) -> list[Any]:
    """Convert what one field must be into requirements of which one must hold."""
    if isinstance(value, list):
        return _contains_all(value, at, notes)
    if not isinstance(value, dict):
        return [_equal(value)]
    if not value:
        raise CannotImport(f"`{_name(at)}` asks for nothing")
    if not any(name.startswith("$") for name in value):
        return [item_of(group) for group in _object(value, at, notes)]
    found: list[Any] = [{}]
    for name, argument in value.items():
        options = _operator(name, argument, (*at, name), notes)
        found = [conjoined(one, other) if one else other for one in found for other in options]
    return found


def _contains_all(values: list[Any], at: Way, notes: Notes) -> list[Any]:
    found: list[Any] = [{"type": "array"}] if not values else [{}]
    for place, value in enumerate(values):
        options = _value(value, (*at, place), notes)
        found = [conjoined(one, other) if one else other for one in found for other in options]
    return found


def _deep(path: str, value: Any) -> Group:
    """Ask for a whole list or object: its size, and each part of it."""
    if isinstance(value, list):
        group: Group = {path: {"type": "array", "len": len(value)}}
        parts = [(f"{path}[{place}]", part) for place, part in enumerate(value)]
    elif isinstance(value, dict):
        group = {path: {"type": "object", "len": len(value)}}
        parts = [(joined(path, path_of(name)), part) for name, part in value.items()]
    else:
        return {path: {"null": True} if value is None else value}
    for way, part in parts:
        group |= _deep(way, part)
    return group


def _differing(path: str, value: Any) -> Alternatives:
    """Ask for anything but a whole list or object: one part of it is another, or is not there."""
    options: Alternatives = []
    for way, wanted in _deep(path, value).items():
        options.append(_merged({path: {"exists": True}}, way, {"not": wanted}))
        if way != path:
            options.append(_merged({path: {"exists": True}}, way, {"exists": False}))
    return options


def _merged(group: Group, path: str, requirement: Any) -> Group:
    return group | {path: conjoined(group[path], requirement) if path in group else requirement}


def _equal(value: Any) -> Any:
    """Write equality the loose way: there, 5 equals "5"."""
    if value is None:
        return {"null": True}
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return [value, str(value)]
    if isinstance(value, str) and value.isascii() and value.isdigit() and str(int(value)) == value:
        return [value, int(value)]
    return value


def _operator(name: str, argument: Any, at: Way, notes: Notes) -> list[Any]:
    if name == "$or":
        return [it for part in _list(argument, at) for it in _value(part, at, notes)]
    if name == "$and":
        return _contains_all(_list(argument, at), at, notes)
    if name == "$not":
        inner = _value(argument, at, notes)
        together: Any = {}
        for it in inner:
            together = conjoined(together, {"not": it}) if together else {"not": it}
        return [together]
    if name == "$ref":
        return [{"field": _reference(argument, at)}]
    if name not in OPERATORS:
        raise CannotImport(f"`{_name(at)}`: there is no operator `{name}`")
    if isinstance(argument, dict) and set(argument) == {"$ref"}:
        return [_against_field(name, _reference(argument["$ref"], at), at)]
    return [OPERATORS[name](argument, at)]


def _against_field(name: str, path: str, at: Way) -> Any:
    if name not in _WITH_FIELD:
        raise CannotImport(f"`{_name(at)}`: `{name}` cannot be held against a `$ref`")
    requirement: Any = {"field": path}
    return {"not": requirement} if name == "$neq" else {_WITH_FIELD[name]: requirement}


_WITH_FIELD = {
    "$eq": "eq", "$neq": "not", "$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte",
    "$startsWith": "prefix", "$endsWith": "suffix",
}  # fmt: skip


def _reference(path: Any, at: Way) -> str:
    """Write a `$ref`; `[$index]` is the element at hand."""
    if not isinstance(path, str) or not path:
        raise CannotImport(f"`{_name(at)}`: `$ref` is a path")
    way: str = path.removeprefix("$.")
    if "[$index]" not in way:
        return way
    around = [str(name) for name in at if isinstance(name, str) and not name.startswith("$")]
    outer, _, rest = way.rpartition("[$index]")
    here = ".".join(around[:-1])
    its = outer.replace("[$index]", "")
    if its not in {here, here.removeprefix("body.")} or not rest.startswith("."):
        raise CannotImport(f"`{_name(at)}`: `{way}` is not about the same element")
    return f"@item{rest}"


def _eq(argument: Any, at: Way) -> Any:
    if isinstance(argument, dict | list):
        raise CannotImport(f"`{_name(at)}`: whole objects and lists cannot be compared")
    return table_of(_equal(argument))


def _neq(argument: Any, at: Way) -> Any:
    if argument is None:
        return {"null": False}
    equal = _eq(argument, at)
    return {"not": equal.get("in", argument)}


def _in(argument: Any, at: Way) -> Any:
    if isinstance(argument, str):
        return {"contains": argument}
    values = [value for value in _list(argument, at) if value is not None]
    return {"in": values}


def _nin(argument: Any, at: Way) -> Any:
    if isinstance(argument, str):
        return {"not": {"contains": argument}}
    return {"not": _in(argument, at)["in"]}


def _plain(name: str, *kinds: type) -> Callable[[Any, Way], Any]:
    def convert_plain(argument: Any, at: Way) -> Any:
        if not isinstance(argument, kinds) or (isinstance(argument, bool) and bool not in kinds):
            raise CannotImport(f"`{_name(at)}`: this cannot be the argument of `{at[-1]}`")
        return {name: argument}

    return convert_plain


OPERATORS: Mapping[str, Callable[[Any, Way], Any]] = {
    "$eq": _eq,
    "$neq": _neq,
    "$in": _in,
    "$nin": _nin,
    "$gt": _plain("gt", int, float, str),
    "$gte": _plain("gte", int, float, str),
    "$lt": _plain("lt", int, float, str),
    "$lte": _plain("lte", int, float, str),
    "$startsWith": _plain("prefix", str, list),
    "$endsWith": _plain("suffix", str, list),
    "$exist": _plain("exists", bool),
}
"""Every operator that is about one value; `$or`, `$and`, `$not` and `$ref` are read apart."""


def _list(value: Any, at: Way) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise CannotImport(f"`{_name(at)}` must be a list with at least one entry")
    return value


def _name(at: Way) -> str:
    return ".".join(map(str, at)) or "the filter"
