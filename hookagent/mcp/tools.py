"""The tools by name: what each is for, what it takes, and whether it changes anything."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from hookagent.errors import HookagentError, NotFound, UsageError
from hookagent.mcp import arguments as given
from hookagent.mcp.desk import Desk


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """One tool."""

    about: str
    takes: type[msgspec.Struct]
    answer: Callable[[Desk, Any], Awaitable[str]]
    writes: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what it takes, without references."""
        made = msgspec.json.schema(self.takes)
        name = made["$ref"].rpartition("/")[2]
        top: dict[str, Any] = made["$defs"][name]
        return top


TOOLS: Mapping[str, Tool] = {
    "list_events": Tool(
        about="List webhook events that arrived, the newest first, without their bodies.",
        takes=given.Filter,
        answer=Desk.list_events,
    ),
    "get_event": Tool(
        about="Show one event: request, verdict, matched rules, every attempt, its body.",
        takes=given.OneEvent,
        answer=Desk.get_event,
    ),
    "search_events": Tool(
        about="List events whose body holds a text.",
        takes=given.Search,
        answer=Desk.search_events,
    ),
    "wait_for_event": Tool(
        about="Wait until a webhook arrives that fits, and show it.",
        takes=given.Wait,
        answer=Desk.wait_for_event,
    ),
    "explain_rule": Tool(
        about="Say of each condition of a rule (or of all rules) what it wanted and what it got.",
        takes=given.Explain,
        answer=Desk.explain_rule,
    ),
    "verify_why": Tool(
        about="Say why a delivery's signature is right or wrong, and what mends it.",
        takes=given.OneId,
        answer=Desk.verify_why,
    ),
    "diff_events": Tool(
        about="Say where two events differ, by path.",
        takes=given.Two,
        answer=Desk.diff_events,
    ),
    "test_rules": Tool(
        about="Run rules' own test cases, and say which rules an event matches; nothing acts.",
        takes=given.TestRules,
        answer=Desk.test_rules,
    ),
    "sign_request": Tool(
        about="Craft a request signed as a source's provider would sign it; nothing is sent.",
        takes=given.Sign,
        answer=Desk.sign_request,
    ),
    "dry_run": Tool(
        about="Say which rules an event would set off and what each step would do; nothing acts.",
        takes=given.DryRun,
        answer=Desk.dry_run,
    ),
    "replay_event": Tool(
        about="Send a stored event to the running listener again, freshly signed. Rules act.",
        takes=given.Replay,
        answer=Desk.replay_event,
        writes=True,
    ),
}
"""In the order clients list them."""


def offered(*, allow_write: bool) -> dict[str, Tool]:
    """Return the tools there are: those that act only where a person said so."""
    return {name: tool for name, tool in TOOLS.items() if allow_write or not tool.writes}


async def call(desk: Desk, tools: Mapping[str, Tool], name: str, asked: Any) -> str:
    """Answer one call. Raises HookagentError with what is wrong."""
    tool = tools.get(name)
    if tool is None:
        if name in TOOLS:
            raise UsageError(
                f"`{name}` acts, which was not allowed", hint="hookagent mcp --allow-write"
            )
        raise NotFound.among("tool", name[:80], tools)
    try:
        wanted = msgspec.convert(asked or {}, tool.takes)
    except msgspec.ValidationError as error:
        raise UsageError(f"`{name}` cannot take that: {error}") from None
    return await tool.answer(desk, wanted)


def told(error: HookagentError) -> str:
    """Say an error as an answer."""
    return f"{error.message}\nhint: {error.hint}" if error.hint else error.message
