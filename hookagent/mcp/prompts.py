"""Prompts a person can pick in a client: a task, and the event it is about behind its fence."""

from collections.abc import Mapping

import msgspec

from hookagent.actions.agents.fence import RULES
from hookagent.errors import NotFound, UsageError
from hookagent.mcp import arguments as given
from hookagent.mcp.desk import Desk


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt."""

    about: str
    arguments: Mapping[str, str]
    """Name and sentence of each; all but the last are needed where there are several."""
    task: str
    """`{NAME}` is an argument."""


PROMPTS: Mapping[str, Prompt] = {
    "debug_delivery": Prompt(
        about="Find out what happened to a delivery and how to mend it.",
        arguments={"event": "The event's or refused delivery's id."},
        task=(
            "Find out what happened to the webhook delivery {event} and how to mend it. Use "
            "verify_why for its signature, explain_rule for its rules, get_event for its runs and "
            "attempts. Say the cause first, then the evidence, then the smallest change that "
            "mends it."
        ),
    ),
    "write_rule_for_event": Prompt(
        about="Write a rule for events like this one, with a test that passes.",
        arguments={"event": "The event's id.", "wish": "What is to happen."},
        task=(
            "Write a hookagent rule in TOML for events like {event}. What is to happen: {wish} "
            "Look at hookagent://rules for the style of this project, write a "
            "[[rule.NAME.test]] case for it, and run test_rules with the text and the event "
            "until the case passes and the rule matches. Show me the file; do not save it."
        ),
    ),
}


async def fill(desk: Desk, name: str, asked: Mapping[str, str]) -> str:
    """Return the text of a prompt. Raises NotFound and UsageError."""
    prompt = PROMPTS.get(name)
    if prompt is None:
        raise NotFound.among("prompt", name[:80], PROMPTS)
    event = asked.get("event", "")
    if not event:
        raise UsageError(f"`{name}` needs `event`")
    values = {"event": event[:80], "wish": asked.get("wish", "") or "ask me."}
    task = prompt.task.format_map(values)
    if event.startswith("rej_"):
        return f"{task}\n\n{RULES}"
    shown = await desk.get_event(given.OneEvent(event=event))
    return f"{task}\n\n{RULES}\n\n{shown}"
