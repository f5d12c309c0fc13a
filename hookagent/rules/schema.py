"""The JSON Schema of rule files, for editors: completion, hover text, early mistakes.

Made from the same tables the reader uses. It is a first check; `hookagent rules check` is the
judge, since a schema cannot compare names, regular expressions or two fields.
"""

from collections.abc import Mapping
from typing import Any

from hookagent.job import OnInterrupt
from hookagent.rules.arguments import TAKES_FIELD, TYPES, Kind
from hookagent.rules.operators import FIELD, OPERATORS, Operator
from hookagent.rules.timing import WEEKDAYS

JSON = dict[str, Any]

_SCALAR: JSON = {"type": ["string", "number", "boolean"]}
_TEXTS: JSON = {
    "oneOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
    ],
}
_DURATION: JSON = {
    "type": "string",
    "pattern": r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+$",
    "description": "A duration: 250ms, 90s, 10m, 1h30m, 7d",
}
_PATHS: JSON = {
    "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "description": "A path, or a list of them",
}
_ORDERED: JSON = {"type": ["number", "string"]}
_REQUIREMENT: JSON = {"$ref": "#/$defs/requirement"}
_FIELD: JSON = {"$ref": "#/$defs/field"}
_TABLES: JSON = {"type": "array", "items": {"$ref": "#/$defs/group"}, "minItems": 1}

_ARGUMENTS: Mapping[Kind, JSON] = {
    Kind.SCALAR: _SCALAR,
    Kind.SCALARS: {"type": "array", "items": _SCALAR, "minItems": 1},
    Kind.TEXTS: _TEXTS,
    Kind.GLOBS: _TEXTS,
    Kind.REGEXES: _TEXTS,
    Kind.ORDERED: _ORDERED,
    Kind.PAIR: {"type": "array", "items": _ORDERED, "minItems": 2, "maxItems": 2},
    Kind.NETWORKS: _TEXTS,
    Kind.MOMENT: {"type": "string"},
    Kind.FLAG: {"type": "boolean"},
    Kind.TYPES: {
        "oneOf": [
            {"enum": list(TYPES)},
            {"type": "array", "items": {"enum": list(TYPES)}, "minItems": 1},
        ],
    },
    Kind.CLAUSE: {"anyOf": [_REQUIREMENT, _TABLES]},
    Kind.ITEM: {"anyOf": [_REQUIREMENT, {"$ref": "#/$defs/group"}, _TABLES]},
    Kind.LENGTH: {"oneOf": [{"type": "integer", "minimum": 0}, {"$ref": "#/$defs/operators"}]},
    Kind.CHANGE: {"type": ["boolean", "string"]},
}


def json_schema(action_schemas: Mapping[str, JSON]) -> JSON:
    """Return the schema of a rule file; each action brings the schema of its options."""
    rule_keys = _rule_keys(action_schemas)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hookagent rules",
        "type": "object",
        "properties": {
            "rule": _named({"$ref": "#/$defs/rule"}, "Rules by name"),
            "condition": _named({"$ref": "#/$defs/group"}, "Conditions shared with `use`"),
            "calendar": _named({"$ref": "#/$defs/calendar"}, "Calendars by name"),
            **rule_keys,
        },
        "additionalProperties": False,
        "$defs": {
            "rule": {
                "type": "object",
                "properties": rule_keys,
                "required": ["do"],
                "additionalProperties": False,
            },
            "group": {
                "type": "object",
                "description": "Conditions that must all hold: path = requirement",
                "additionalProperties": _REQUIREMENT,
            },
            "requirement": {
                "oneOf": [
                    {**_SCALAR, "description": "Equal to this"},
                    {**_ARGUMENTS[Kind.SCALARS], "description": "Any of these"},
                    {"$ref": "#/$defs/operators"},
                ],
            },
            "operators": {
                "type": "object",
                "minProperties": 1,
                "properties": {
                    FIELD: {"type": "string", "description": "Equal to this other field"},
                    **{name: _operator(operator) for name, operator in OPERATORS.items()},
                },
                "additionalProperties": False,
            },
            "field": {
                "type": "object",
                "properties": {FIELD: {"type": "string"}},
                "required": [FIELD],
                "additionalProperties": False,
            },
            "calendar": _calendar(),
            "retry": _table(
                attempts={"type": "integer", "minimum": 1, "maximum": 100},
                first_delay=_DURATION,
                max_delay=_DURATION,
            ),
        },
    }


def _operator(operator: Operator) -> JSON:
    argument = _ARGUMENTS[operator.kind]
    if operator.kind in TAKES_FIELD:
        argument = {"oneOf": [argument, _FIELD]}
    return {**argument, "description": f"A value that {operator.about}. {operator.kind}."}


def _named(value: JSON, description: str) -> JSON:
    return {"type": "object", "description": description, "additionalProperties": value}


def _table(*required: str, **properties: JSON) -> JSON:
    table: JSON = {"type": "object", "properties": properties, "additionalProperties": False}
    return table | {"required": list(required)} if required else table


def _rule_keys(action_schemas: Mapping[str, JSON]) -> JSON:
    groups: JSON = {
        "type": "array",
        "items": {"oneOf": [{"type": "string"}, {"$ref": "#/$defs/group"}]},
    }
    return {
        "about": {"type": "string", "description": "One sentence for people"},
        "enabled": {"type": "boolean", "description": "With false: never"},
        "on": {**_TEXTS, "description": "SOURCE/TYPE globs; left out: every event"},
        "use": {**_TEXTS, "description": "Names of shared conditions that must hold too"},
        "when": {"$ref": "#/$defs/group", "description": "All of these must hold"},
        "any": {**groups, "description": "At least one of these groups must hold"},
        "unless": {**groups, "description": "None of these groups may hold"},
        "expr": {**_TEXTS, "description": "Expressions that must be true"},
        "during": {"type": "string", "description": "The calendar within which events count"},
        "priority": {"type": "integer", "description": "Higher is looked at first"},
        "stop": {"type": "boolean", "description": "When it matches, no rule after it is tried"},
        "fallback": {"type": "boolean", "description": "Only when no other rule matched"},
        **_over_time(),
        "do": {"type": "array", "items": _step(action_schemas), "minItems": 1},
        "test": {"type": "array", "items": _case()},
        "concurrency": {"type": "integer", "minimum": 1, "description": "Runs at a time"},
        "ordered_by": {**_PATHS, "description": "Runs that agree in these run in order"},
        **_patience(),
    }


def _patience() -> JSON:
    return {
        "retry": {"$ref": "#/$defs/retry", "description": "How often a failed step is tried"},
        "timeout": {**_DURATION, "description": "How long one try may take"},
        "on_interrupt": {
            "enum": [str(choice) for choice in OnInterrupt],
            "description": "What to do with a step whose outcome is unknown after a crash",
        },
    }


def _over_time() -> JSON:
    number: JSON = {"type": "number"}
    follow: JSON = {"type": "object", "description": "on, when, any, unless, use, expr, by"}
    calendar: JSON = {"type": "string", "description": "A calendar's name"}
    return {
        "window": _table(
            "within",
            count={"type": "integer", "minimum": 1},
            sum=_PATHS,
            min=_PATHS,
            max=_PATHS,
            distinct=_PATHS,
            gte=number,
            lte=number,
            within=_DURATION,
            by=_PATHS,
        ),
        "throttle": _table("once", once=_DURATION, by=_PATHS),
        "debounce": _table("quiet", **{"quiet": _DURATION, "at-most": _DURATION, "by": _PATHS}),
        "sequence": _table("within", within=_DURATION, by=_PATHS, then=follow, without=follow),
        "absence": _table(
            after=_DURATION,
            at=_TEXTS,
            grace=_DURATION,
            by=_PATHS,
            active=calendar,
            recovery={"type": "boolean"},
        ),
    }


def _step(action_schemas: Mapping[str, JSON]) -> JSON:
    own: JSON = {
        "action": {"enum": sorted(action_schemas)} if action_schemas else {"type": "string"},
        "name": {"type": "string", "description": "For {{ steps.NAME.output }}"},
        **_patience(),
    }
    step: JSON = {"type": "object", "properties": own, "required": ["action"]}
    choices = [
        {
            "if": {"properties": {"action": {"const": action}}, "required": ["action"]},
            "then": {
                "properties": {**own, **schema.get("properties", {})},
                "required": ["action", *schema.get("required", [])],
                "additionalProperties": False,
            },
        }
        for action, schema in sorted(action_schemas.items())
    ]
    return step | {"allOf": choices} if choices else step


def _case() -> JSON:
    texts: JSON = {"type": "object", "additionalProperties": {"type": "string"}}
    text: JSON = {"type": "string"}
    then: JSON = {"type": "object", "description": "The event that follows, for a sequence"}
    return _table(
        then=then,
        after={**_DURATION, "description": "How long after the event that one comes"},
        payload={"description": "The event's payload"},
        json={**text, "description": "The event's payload as JSON text, where it holds null"},
        event={**text, "description": "An event file, or a stored event's id"},
        about=text,
        source=text,
        type=text,
        method=text,
        path=text,
        client_ip=text,
        received_at=text,
        headers=texts,
        query=texts,
        repeat={"type": "integer", "minimum": 1},
        every=_DURATION,
        fires={"type": "boolean"},
        sends={"type": "object", "description": "By step: what its action would send"},
    )


def _calendar() -> JSON:
    return _table(
        **{
            "tz": {"type": "string", "description": "A time zone such as Europe/Berlin"},
            "days": {**_TEXTS, "description": f"Of {', '.join(WEEKDAYS)}, or spans: mon-fri"},
            "hours": {**_TEXTS, "description": "Spans such as 08:00-18:00"},
            "except": {"type": "array", "description": "Dates that are closed: 2026-12-25"},
        },
    )
