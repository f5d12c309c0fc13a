"""Reads `[[rule.NAME.test]]`: an event, and what the rule must make of it."""

import re
from typing import Any

import msgspec

from hookagent.eventfile import parse_time
from hookagent.located import Table
from hookagent.rules.model import Case, Pattern
from hookagent.rules.steps import as_json, read_duration

REPEAT_MAX = 10_000


def read_cases(
    rule: Table,
    on: tuple[Pattern, ...],
    follow_on: tuple[Pattern, ...] = (),
) -> tuple[Case, ...]:
    """Read a rule's test cases; what they leave out is made up so that `on` takes the event."""
    cases = []
    for table in rule.tables("test"):
        then = table.table("then")
        followed = None if then is None else _read_case(then, follow_on, None)
        cases.append(_read_case(table, on, followed))
    return tuple(cases)


def _read_case(table: Table, on: tuple[Pattern, ...], then: Case | None) -> Case:
    pattern = on[0] if on else Pattern("test")
    if sum(key in table for key in ("payload", "json", "event")) != 1:
        table.report(
            "wrong-test",
            "a test has a `payload`, its `json`, or an `event` (a file, or a stored event's id)",
            hint="payload = { … }",
        )
    default_type = "" if pattern.type == "*" else sample_of(pattern.type)
    is_file = "event" in table
    case = Case(
        payload=_read_json(table) if "json" in table else as_json(table.raw("payload")),
        event=table.text("event"),
        about=table.text("about"),
        source=table.text("source", "" if is_file else sample_of(pattern.source)),
        type=table.text("type", "" if is_file else default_type),
        method=table.text("method", "POST"),
        path=table.text("path", "/"),
        client_ip=table.text("client_ip"),
        received_at=_read_time(table),
        headers=_read_fields(table, "headers"),
        query=_read_fields(table, "query"),
        repeat=table.integer("repeat", 1, least=1, most=REPEAT_MAX),
        every_ms=read_duration(table, "every", 1_000),
        fires=table.boolean("fires", default=True),
        sends=_read_sends(table),
        then=then,
        after_ms=read_duration(table, "after", 60_000),
        line=table.document.place_of_key(table.where)[0],
    )
    table.finish()
    return case


_GLOB_PART = re.compile(r"\\(.)|\[(!?)(.[^\]]*)\]|(\*)|(\?)", re.DOTALL)


def sample_of(glob: str) -> str:
    """Return a text that a glob of a source or type takes."""

    def fill(found: re.Match[str]) -> str:
        escaped, negated, members, run, _one = found.groups()
        if escaped:
            return escaped
        if members:
            return members[0] if not negated else next(it for it in _OTHERS if it not in members)
        return "example" if run else "x"

    return _GLOB_PART.sub(fill, glob)


_OTHERS = "xyz0123456789abcdefghijklmnopqrstuvw_ "


def _read_json(table: Table) -> Any:
    """Read a payload given as JSON text, which unlike TOML has null."""
    text = table.text("json")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        if isinstance(table.data["json"], str):
            table.report("wrong-test", f"`json` is not JSON: {error}", key="json")
        return None


def _read_time(table: Table) -> int | None:
    value = as_json(table.raw("received_at"))
    if value is None:
        return None
    try:
        return parse_time(value)
    except (TypeError, ValueError):
        table.report(
            "wrong-time",
            "`received_at` must be an RFC 3339 time",
            key="received_at",
            hint='such as "2026-01-31T12:00:00Z"',
        )
        return None


def _read_fields(table: Table, key: str) -> dict[str, str]:
    inner = table.table(key)
    if inner is None:
        return {}
    fields = {name: inner.text(name) for name in inner.data}
    inner.finish()
    return fields


def _read_sends(table: Table) -> dict[str, Any]:
    inner = table.table("sends")
    return {} if inner is None else {name: as_json(inner.raw(name)) for name in inner.data}
