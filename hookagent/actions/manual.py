"""The page `docs/actions.md`: written from the declarations, so that it cannot fall behind them."""

import inspect
import json
from collections.abc import Iterator
from typing import Any

from hookagent.actions import registry
from hookagent.actions.base import Action
from hookagent.template import FILTERS, Sink

_HEAD = """\
# Actions

A rule's `do` is a list of steps, each an action with its options:

```toml
[[rule.NAME.do]]
action = "log"
text = "{{ itemId }} is low: {{ currentStock }} left"
```

Steps run in order. Besides the options below each step takes `name`, `retry` and `timeout`, see
[rules](rules.md). A step that failed in a way that may pass is tried again; one that failed for
good makes the run dead, where `hookagent dead` shows it. Each try of a step has the same
idempotency key, which is passed on in the target's own way. `serve --dry-run` and
`rules explain` show exactly what a step would do.

`${NAME}` in any text is the environment's (or `.env`'s) variable; `$$` is a dollar sign. Its value
is masked wherever it would be shown. Neither a variable's value nor an event's is ever read as a
template.

## Templates

`{{ reference | filter | filter(argument) }}`, in the options that say so.

| reference | is |
| --- | --- |
| `a.b[0].c`, `items.sku`, `['a.b']` | \
a value of the payload; a list on the way stands for its elements |
| `@headers.name`, `@query.name` | a header field, a query parameter |
| `@source` `@type` `@id` `@method` `@path` `@client_ip` `@received_at` `@integrity` `@origin` | \
the envelope |
| `@body` | the body as it came, as text |
| `steps.NAME.output.x` | what an earlier step left |
| `window.count`, `key.host`, `absence.x` | what a condition over time found |
| `"text"` | itself |

A missing value ends the step for good; `default` gives it one. Several values are written with
commas between. Text stays text, anything else is written as JSON. In a JSON option (`json`,
`data`, `payload` and the like) a text that is one insertion and nothing else keeps the value's
type: `"{{ total }}"` becomes a number where it is one. A template renders to at most 64 KiB.

"""


def manual() -> str:
    """Return the whole page."""
    parts = [_HEAD, *_filters(), *_sinks()]
    for name in sorted(registry.BUILT_IN):
        parts.extend(_action(name, registry.load(name)))
    parts.append(_THIRD_PARTIES)
    return "".join(parts)


def _filters() -> Iterator[str]:
    yield "| filter | gives |\n| --- | --- |\n"
    for name, filter_ in sorted(FILTERS.items()):
        argument = "(…)" if filter_.least else "(…)?" if filter_.most else ""
        yield f"| `{name}{argument}` | {filter_.about} |\n"
    yield "\n"


_SINKS = {
    Sink.TEXT: "as it is",
    Sink.PATH: "percent-encoded; `.` and `..` are refused",
    Sink.QUERY: "percent-encoded",
    Sink.JSON: "escaped inside the quotes",
    Sink.HEADER: "control characters are refused",
    Sink.ARGUMENT: "one argument, whatever it holds; NUL is refused, and a first `-` or `@`",
    Sink.FILE: "anything but letters, digits, `.`, `_` and `-` becomes `_`",
    Sink.TOPIC: "one level: anything but letters, digits, `_` and `-` becomes `_`",
    Sink.SLACK: "no links, no mentions",
    Sink.MARKDOWN: "its punctuation escaped, no mentions",
    Sink.TERMINAL: "control characters are shown as `\\xNN`",
}


def _sinks() -> Iterator[str]:
    yield "Inserted values are escaped by where they go:\n\n| place | escaped |\n| --- | --- |\n"
    for sink in Sink:
        yield f"| {sink} | {_SINKS[sink]} |\n"
    yield "\n"


def _action(name: str, action: Action) -> Iterator[str]:
    yield f"## {name}\n\n{action.about}\n\n"
    notes = _notes(action)
    if notes:
        yield f"{notes}\n\n"
    yield f"```toml\n{getattr(action, 'example', '')}```\n\n"
    schema = registry.schema(action)
    yield from _options(schema, "")
    for inner, definition in schema.get("$defs", {}).items():
        if "properties" in definition:
            yield f"\n`{inner.lower()}` is a table of these:\n\n"
            yield from _options(definition, f"{inner.lower()}.")
    yield f"\nOutput: {getattr(action, 'leaves', '')}\n\n"


def _notes(action: Action) -> str:
    """Return what a module's docstring says beyond its first sentence."""
    text = inspect.getdoc(action) or ""
    return text.partition("\n\n")[2].strip()


def _options(schema: dict[str, Any], prefix: str) -> Iterator[str]:
    yield "| option | type | what |\n| --- | --- | --- |\n"
    required = schema.get("required", ())
    for name, option in schema["properties"].items():
        needed = ", required" if name in required else ""
        what = _cell(option)
        yield f"| `{prefix}{name}` | {_type(option)}{needed} | {what} |\n"


def _cell(option: dict[str, Any]) -> str:
    """Return description, default and example of one option for a cell of a table."""
    text = str(option.get("description", ""))
    default = option.get("default")
    if default not in (None, [], {}, "", False):
        text += f" Default: `{_toml(default)}`."
    examples = option.get("examples", ())
    if examples:
        text += f" Example: `{_toml(examples[0])}`."
    return text.replace("|", "\\|")


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_NAMES = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
    "object": "table", "array": "list",
}  # fmt: skip


def _type(option: dict[str, Any]) -> str:
    """Name an option's type in words."""
    if "enum" in option:
        return " or ".join(f"`{word}`" for word in option["enum"])
    if "anyOf" in option:
        return " or ".join(_type(one) for one in option["anyOf"])
    kind = option.get("type")
    if isinstance(kind, list):
        return "any JSON"
    if kind == "array":
        return f"list of {_type(option['items'])}"
    if kind == "object" and isinstance(option.get("additionalProperties"), dict):
        return f"table of {_type(option['additionalProperties'])}"
    return _NAMES.get(str(kind), "table")


_THIRD_PARTIES = """\
## Actions of third parties

A package adds an action by an entry point:

```toml
[project.entry-points."hookagent.actions"]
pager = "their_package.pager"
```

The module has `about`, `Options` (a `msgspec.Struct`), `prepare(options, scope)`, which is pure and
says exactly what will be done, and `async run(prepared, call, outside)`, which returns `Done`,
`Again` or `Never` from `hookagent.job`. `hookagent doctor` names plugins that cannot be loaded.
"""
