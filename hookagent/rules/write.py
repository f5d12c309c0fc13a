"""Writes rules as text: from an event and the fields that matter, with a test; and for importers.

What is written reads back: `read_rules` accepts it, and the test it holds passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hookagent.event import Event
from hookagent.lookup import PathError
from hookagent.rules.inline import inline, key, quoted
from hookagent.rules.parse import NAME
from hookagent.rules.scope import Scope, read_reference
from hookagent.rules.shown import paths

WIDTH_MAX = 100
PAYLOAD_BYTES_MAX = 2_000
"""A test holds the whole payload up to this size, else only the fields that the rule names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A rule that is to be written."""

    name: str
    about: str = ""
    on: Sequence[str] = ()
    when: dict[str, Any] = field(default_factory=dict)
    """Path to literal, list or table of operators."""
    any: Sequence[dict[str, Any]] = ()
    unless: Sequence[dict[str, Any]] = ()
    expr: Sequence[str] = ()
    do: Sequence[dict[str, Any]] = ()
    tests: Sequence[dict[str, Any]] = ()
    comments: Sequence[str] = ()
    """Lines above the rule."""
    keys: dict[str, Any] = field(default_factory=dict)
    """Other keys of the rule, such as `priority`."""


def rule_text(draft: Draft) -> str:
    """Write one rule."""
    header = f"rule.{key(draft.name)}"
    lines = [f"# {line}".rstrip() for text in draft.comments for line in text.splitlines()]
    lines.append(f"[{header}]")
    if draft.about:
        lines.append(f"about = {quoted(draft.about)}")
    if draft.on:
        lines.append(f"on = {inline(draft.on[0] if len(draft.on) == 1 else list(draft.on))}")
    lines += [f"{key(name)} = {inline(value)}" for name, value in draft.keys.items()]
    if draft.expr:
        lines.append(f"expr = {inline(list(draft.expr))}")
    if draft.when:
        lines += ["", f"[{header}.when]", *_conditions(draft.when)]
    for word, groups in (("any", draft.any), ("unless", draft.unless)):
        for group in groups:
            lines += ["", f"[[{header}.{word}]]", *_conditions(group)]
    for step in draft.do:
        lines += ["", f"[[{header}.do]]", *_conditions(step)]
    for case in draft.tests:
        lines += ["", f"[[{header}.test]]", *_conditions(case)]
    return "\n".join(lines) + "\n"


def _conditions(table: dict[str, Any]) -> list[str]:
    return [f"{key(path)} = {inline(value)}" for path, value in table.items()]


def rule_from_event(
    event: Event,
    fields: Sequence[str],
    *,
    name: str,
    about: str = "",
    do: Sequence[dict[str, Any]] = (),
) -> str:
    """Write a rule that fires for events which agree with this one in some fields.

    Comments name the other fields there are. Raises PathError for a field that is no path or that
    the event does not have.
    """
    when = {path: _required(path, event) for path in fields}
    on = f"{event.source}/{event.type}" if event.type else event.source
    steps = do or ({"action": "log", "text": f"{name}: {{{{ @source }}}} {{{{ @id }}}}"},)
    draft = Draft(
        name=name,
        about=about or f"Made from event {event.id}",
        on=[on] if on else [],
        when=when,
        do=steps,
        tests=[_case(event, fields)],
        comments=_others(event, fields),
    )
    return rule_text(draft)


def _required(path: str, event: Event) -> Any:
    """Return what a condition on a field must say for the event to meet it."""
    found = Scope(event).values(read_reference(path))
    scalars = [value for value in found if isinstance(value, str | int | float)]
    if not found:
        raise PathError(f"the event has no `{path}`", 0)
    if len(scalars) == 1 and len(found) == 1:
        return scalars[0]
    if found == [None]:
        return {"null": True}
    return list(dict.fromkeys(scalars)) if scalars else {"exists": True}


def _case(event: Event, fields: Sequence[str]) -> dict[str, Any]:
    """Return a test case that the rule passes."""
    case: dict[str, Any] = {"fires": True}
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    for path in fields:
        reference = read_reference(path)
        value = Scope(event).values(reference)
        if reference.area in {"headers", "query"}:
            target = headers if reference.area == "headers" else query
            target[str(reference.path[0])] = str(value[0])
        elif reference.area in {"client_ip", "method", "path", "type", "source"}:
            case[reference.area] = value[0]
    if headers:
        case["headers"] = headers
    if query:
        case["query"] = query
    return _payload(event, fields) | case


def _payload(event: Event, fields: Sequence[str]) -> dict[str, Any]:
    """Return the payload of a test: as TOML, or as JSON where it holds null."""
    value = event.payload
    if len(event.request.body) > PAYLOAD_BYTES_MAX:
        value = _part(value, fields)
    if _has_null(value):
        return {"json": msgspec.json.encode(value).decode()}
    return {"payload": value}


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_null(part) for part in value.values())
    if isinstance(value, list):
        return any(_has_null(part) for part in value)
    return value is None


def _part(document: Any, fields: Sequence[str]) -> Any:
    """Return a document cut to the fields a rule names."""
    steps = [read_reference(path) for path in fields]
    wanted = [
        tuple(it for it in ref.path if isinstance(it, str)) for ref in steps if ref.is_payload
    ]

    def cut(value: Any, rest: list[tuple[str, ...]]) -> Any:
        if any(not path for path in rest):
            return value
        if isinstance(value, list):
            return [cut(part, rest) for part in value]
        if isinstance(value, dict):
            inner = {path[0] for path in rest}
            return {
                name: cut(part, [path[1:] for path in rest if path[0] == name])
                for name, part in value.items()
                if name in inner
            }
        return value

    return cut(document, wanted) if wanted else {}


OTHERS_MAX = 12


def _others(event: Event, fields: Sequence[str]) -> list[str]:
    """Name other fields of the event that a rule could ask for, with their values."""
    others = []
    for path, value in paths(event.payload).items():
        is_plain = isinstance(value, str | int | float) and len(inline(value)) <= WIDTH_MAX // 2
        if path not in fields and is_plain:
            others.append(f"  {key(path)} = {inline(value)}")
    if not others:
        return []
    more = len(others) - OTHERS_MAX
    tail = [f"  … and {more} more"] if more > 0 else []
    return ["Other fields this event has:", *others[:OTHERS_MAX], *tail]


def rule_name(text: str) -> str:
    """Turn any text into a name a rule can have."""
    name = "".join(it if it.isascii() and (it.isalnum() or it in "_.-") else "-" for it in text)
    name = "-".join(part for part in name.split("-") if part).lstrip("_.-")[:100]
    return name if NAME.fullmatch(name) else "rule"
