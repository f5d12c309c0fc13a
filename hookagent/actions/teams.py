"""`teams`: a message to Microsoft Teams by a Workflows webhook, as an Adaptive Card.

https://learn.microsoft.com/connectors/teams ("When a Teams webhook request is received"); the flow
answers 202. Messages are limited to 28 KB.
"""

from typing import Annotated, Any

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.posting import Posting, cut, post, posting
from hookagent.actions.values import Json, MarkdownText, Text, Url
from hookagent.job import Outcome
from hookagent.template import Scope

about = "Send a message to Microsoft Teams by a Workflows webhook."
leaves = '`{"status", ...}`: the answer.'
example = """\
action = "teams"
url = "${TEAMS_URL}"
title = "Order {{ id }}"
text = "{{ customer.name }} ordered **{{ total | number(2) }}**"
link = "https://shop.example.test/orders/{{ id }}"
"""

TEXT_LENGTH_MAX = 20_000
CARD = "application/vnd.microsoft.card.adaptive"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what to say."""

    url: Annotated[
        Url,
        msgspec.Meta(description="The workflow's webhook.", examples=["${TEAMS_URL}"]),
    ]
    text: Annotated[
        MarkdownText,
        msgspec.Meta(description="The message in Markdown; inserted values are plain text in it."),
    ]
    title: Annotated[
        Text | None,
        msgspec.Meta(description="A heading above the message."),
    ] = None
    link: Annotated[
        Url | None,
        msgspec.Meta(description="An address to open with a button."),
    ] = None
    card: Annotated[
        Json | None,
        msgspec.Meta(description="A whole Adaptive Card, in place of one made of the others."),
    ] = None


def prepare(options: Options, scope: Scope) -> Posting:
    """Fill the card. Raises TemplateError."""
    card = _card(options, scope) if options.card is None else options.card.fill(scope)
    attachment = {"contentType": CARD, "contentUrl": None, "content": card}
    return posting(options.url, scope, {"type": "message", "attachments": [attachment]})


def _card(options: Options, scope: Scope) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    if options.title is not None:
        title = options.title.fill(scope)
        blocks.append(
            {
                "type": "TextBlock",
                "text": title,
                "weight": "Bolder",
                "size": "Medium",
                "wrap": True,
            },
        )
    text = cut(options.text.fill(scope), TEXT_LENGTH_MAX)
    blocks.append({"type": "TextBlock", "text": text, "wrap": True})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    if options.link is not None:
        open_it = {"type": "Action.OpenUrl", "title": "Open", "url": options.link.fill(scope)}
        card["actions"] = [open_it]
    return card


async def run(prepared: Posting, call: Call, outside: Outside) -> Outcome:
    """Send it once."""
    return await post(prepared, call, outside)
