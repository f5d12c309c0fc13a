"""What a model may have done: declared actions whose free arguments are few and allow-listed.

A tool's options are those of its action, written by the rule's author. A model fills nothing but
`{{ args.NAME }}`, and each such argument has a form it must fit: a list of words, a number between
bounds, a text of a pattern. Programs cannot be tools; a step after this one can run them.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from hookagent.actions import options as reading
from hookagent.actions import registry
from hookagent.actions.agents import shape
from hookagent.actions.agents.fence import fenced, told
from hookagent.actions.agents.wire import ToolCall, ToolResult
from hookagent.actions.base import Call, Outside
from hookagent.actions.reading import Reader
from hookagent.errors import ConfigError, NotFound
from hookagent.job import Done, Later
from hookagent.template import Scope

HARMLESS = frozenset({"log"})
"""Actions that reach nobody outside."""
NO_TOOLS = frozenset({"agent", "exec", "python", "delay", "approve"})
"""Actions a model may not set off."""
RESULT_BYTES_MAX = 4096
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
TEXT_LENGTH_MAX = 1000


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a model may ask for."""

    name: Annotated[str, msgspec.Meta(description="What the model calls it.")]
    about: Annotated[str, msgspec.Meta(description="What the model is told it does.")]
    action: Annotated[str, msgspec.Meta(description="The action; not `exec`, `python`, `agent`.")]
    options: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="The action's options; `{{ args.NAME }}` is what the model chose.",
        ),
    ] = {}
    arguments: Annotated[
        dict[str, dict[str, Any]],
        msgspec.Meta(
            description=(
                "What the model may choose: the JSON Schema of each argument. A text needs "
                "`enum`, `const` or `pattern`."
            ),
            examples=[{"label": {"enum": ["bug", "question"]}}],
        ),
    ] = {}
    returns: Annotated[
        bool,
        msgspec.Meta(
            description="Whether the model gets to see what the action left, fenced as data.",
        ),
    ] = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"`{self.name}` cannot be a tool's name: letters, digits, `-`, `_`")
        if self.action in NO_TOOLS:
            raise ValueError(f"the action `{self.action}` cannot be a tool; give it a step")
        for name, schema in self.arguments.items():
            for problem in shape.problems(schema, f"arguments.{name}"):
                raise ValueError(problem)
            if not _is_narrow(schema):
                raise ValueError(
                    f"the argument `{name}` may be any text; give it an `enum` or a `pattern`",
                )
        self._check_options()

    def _check_options(self) -> None:
        """Judge the action's options as in a step, variables left alone."""
        try:
            action = registry.load(self.action)
        except NotFound as error:
            raise ValueError(error.message) from None
        reader = Reader(None)
        reading.read(action.Options, self.options, (), reader)
        if reader.found:
            raise ValueError(f"tool `{self.name}`: {reader.found[0].message}")

    @property
    def is_outward(self) -> bool:
        """Whether it reaches anybody outside."""
        return self.action not in HARMLESS

    @property
    def declaration(self) -> dict[str, Any]:
        """What a model is told of it."""
        return {
            "name": self.name,
            "description": self.about,
            "parameters": self.schema,
        }

    @property
    def schema(self) -> dict[str, Any]:
        """The form of all its arguments together; each is needed and no other is allowed."""
        return {
            "type": "object",
            "properties": self.arguments,
            "required": list(self.arguments),
            "additionalProperties": False,
        }


def _is_narrow(schema: Mapping[str, Any]) -> bool:
    """Whether a schema leaves no room for free text."""
    if "enum" in schema or "const" in schema or "pattern" in schema:
        return True
    names = schema.get("type", "string")
    wanted = names if isinstance(names, list) else [names]
    return not {"string", "object", "array"} & set(wanted)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One call a model asked for, and why it may not be made, if so."""

    call: ToolCall
    refusal: str = ""


def judge(tools: Mapping[str, Tool], calls: tuple[ToolCall, ...]) -> list[Judged]:
    """Hold every call against what is declared."""
    return [Judged(call=call, refusal=_refusal(tools.get(call.name), call)) for call in calls]


def _refusal(tool: Tool | None, call: ToolCall) -> str:
    if tool is None:
        return "there is no such tool"
    if call.arguments is None:
        return "the arguments are not a JSON object"
    return "; ".join(shape.check(tool.schema, call.arguments))


async def use(
    tool: Tool, asked: ToolCall, scope: Scope, call: Call, outside: Outside
) -> ToolResult:
    """Do what was asked for, once; whatever comes of it is told to the model."""
    facts = {**scope.facts, "args": asked.arguments}
    try:
        step = registry.bind(tool.action, tool.options, outside.environment)
    except ConfigError as error:
        return ToolResult(id=asked.id, text=error.problems[0].message, is_error=True)
    inner = Scope(event=scope.event, steps=scope.steps, facts=facts)
    outcome = await step.execute(inner, call, outside)
    if isinstance(outcome, Done):
        if not tool.returns:
            return ToolResult(id=asked.id, text="done")
        text = fenced(outcome.output, seed=call.idempotency_key, most=RESULT_BYTES_MAX)
        return ToolResult(id=asked.id, text=text)
    reason = outcome.reason if isinstance(outcome, Later) else outcome.error
    return ToolResult(id=asked.id, text=told(f"failed: {reason}", most=500), is_error=True)
