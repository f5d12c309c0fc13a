"""`discord`: a message to a Discord channel by its webhook.

https://discord.com/developers/docs/resources/webhook#execute-webhook; nobody is mentioned, whatever
is inserted (`allowed_mentions`).
"""

from typing import Annotated, Any

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Answer
from hookagent.actions.exchange import output_of, sort_answer
from hookagent.actions.posting import Posting, cut, post, posting
from hookagent.actions.values import Json, MarkdownText, Text, Url
from hookagent.job import Again, Done, Outcome
from hookagent.template import Scope

about = "Send a message to Discord by a channel's webhook."
leaves = '`{"id", "channel_id"}` of the message.'
example = """\
action = "discord"
url = "${DISCORD_URL}"
text = "**{{ title }}** by {{ author }}"
"""

TEXT_LENGTH_MAX = 2000


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what to say."""

    url: Annotated[
        Url,
        msgspec.Meta(description="The channel's webhook.", examples=["${DISCORD_URL}"]),
    ]
    text: Annotated[
        MarkdownText,
        msgspec.Meta(description="The message in Markdown; inserted values are plain text in it."),
    ]
    username: Annotated[
        Text | None,
        msgspec.Meta(description="Who it seems to come from, instead of the webhook's name."),
    ] = None
    embeds: Annotated[
        Json | None,
        msgspec.Meta(description="Discord embeds, a list of tables."),
    ] = None


def prepare(options: Options, scope: Scope) -> Posting:
    """Fill the message. Raises TemplateError."""
    body: dict[str, Any] = {
        "content": cut(options.text.fill(scope), TEXT_LENGTH_MAX),
        "allowed_mentions": {"parse": []},
    }
    if options.username is not None:
        body["username"] = options.username.fill(scope)
    if options.embeds is not None:
        body["embeds"] = options.embeds.fill(scope)
    message = posting(options.url, scope, body)
    mark = "&" if "?" in message.url else "?"
    return msgspec.structs.replace(message, url=f"{message.url}{mark}wait=true")


async def run(prepared: Posting, call: Call, outside: Outside) -> Outcome:
    """Send it once."""
    return await post(prepared, call, outside, sort)


def sort(answer: Answer, now: int) -> Outcome:
    """Sort Discord's answer; a 429 says in its body how many seconds, with fractions."""
    outcome = sort_answer(answer, now)
    said = output_of(answer).get("json")
    if not isinstance(said, dict):
        return outcome
    if isinstance(outcome, Done):
        return Done({"id": said.get("id"), "channel_id": said.get("channel_id")})
    wait = said.get("retry_after")
    if isinstance(outcome, Again) and isinstance(wait, int | float) and wait >= 0:
        return msgspec.structs.replace(outcome, retry_after_ms=round(wait * 1000))
    return outcome
