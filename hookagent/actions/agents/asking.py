"""A question to a person, posted where they are: a Slack message with two buttons.

A press comes back as an interaction (https://docs.slack.dev/reference/interaction-payloads), signed
by Slack, whose `actions[0].value` is the question's key; a rule with `approve` takes it.
"""

from typing import Any

import msgspec

from hookagent.actions.agents.approval import Question
from hookagent.actions.agents.fence import told
from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Request
from hookagent.actions.egress import Permit
from hookagent.actions.exchange import exchange
from hookagent.job import Done

SHOWN_BYTES_MAX = 2_500
"""Slack takes 3000 characters in a block."""
YES, NO = "hookagent-yes", "hookagent-no"
"""The buttons' `action_id`."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where questions are posted."""

    url: str
    permit: Permit


async def post(place: Place, asked: Question, call: Call, outside: Outside) -> bool:
    """Post a question; False where it could not be, which `hookagent approve` makes up for."""
    request = Request(
        method="POST",
        url=place.url,
        headers=(("Content-Type", "application/json"),),
        body=msgspec.json.encode(message(asked, call)),
        permit=place.permit,
    )
    return isinstance(await exchange(request, call, outside), Done)


def message(asked: Question, call: Call) -> dict[str, Any]:
    """Return the message; the proposal stands in a code block that nothing in it can close."""
    shown = told(asked.what, most=SHOWN_BYTES_MAX).replace("`", "'")
    title = f"A model's proposal waits: rule {call.rule}, run {call.run_id}"
    buttons = [_button("Agree", YES, asked.key), _button("Refuse", NO, asked.key)]
    return {
        "text": title,
        "blocks": [
            {"type": "section", "text": {"type": "plain_text", "text": title}},
            {"type": "section", "text": {"type": "mrkdwn", "text": f"```{shown}```"}},
            {"type": "actions", "elements": buttons},
        ],
    }


def _button(text: str, action: str, key: str) -> dict[str, Any]:
    label = {"type": "plain_text", "text": text}
    style = "primary" if action == YES else "danger"
    return {"type": "button", "text": label, "action_id": action, "value": key, "style": style}
