"""`slack`: a message to a Slack channel, by an incoming webhook or a bot's token.

Answers: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/reference/methods/chat.postMessage (200 with `ok: false` is a failure).
"""

from typing import Annotated, Any

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Answer
from hookagent.actions.exchange import output_of, sort_answer
from hookagent.actions.posting import Posting, cut, post, posting
from hookagent.actions.values import Json, Secret, SlackText, Text, Url
from hookagent.job import Again, Done, Never, Outcome
from hookagent.template import Scope

about = "Send a message to Slack, by an incoming webhook or a bot's token."
leaves = '`{"ts", "channel"}` with a token, `{"status", ...}` with a webhook.'
example = """\
action = "slack"
url = "${SLACK_URL}"
text = "*{{ repository.full_name }}*: {{ head_commit.message | truncate(200) }}"
"""

TEXT_LENGTH_MAX = 40_000
"""Slack cuts longer messages itself."""
API = "https://slack.com/api/chat.postMessage"
_PASSING = frozenset(
    {
        "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable",
        "request_timeout", "team_added_to_org", "message_limit_exceeded",
    },
)  # fmt: skip


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what to say."""

    text: Annotated[
        SlackText,
        msgspec.Meta(
            description="The message in Slack's mrkdwn; inserted values are plain text in it.",
            examples=["*{{ repository.full_name }}*: {{ head_commit.message }}"],
        ),
    ]
    url: Annotated[
        Url | None,
        msgspec.Meta(description="An incoming webhook.", examples=["${SLACK_URL}"]),
    ] = None
    token: Annotated[
        Secret | None,
        msgspec.Meta(
            description="A bot's token (`chat:write`), with `channel`.",
            examples=["${SLACK_TOKEN}"],
        ),
    ] = None
    channel: Annotated[
        Text | None,
        msgspec.Meta(description="The channel's id or name, with `token`.", examples=["#alerts"]),
    ] = None
    blocks: Annotated[
        Json | None,
        msgspec.Meta(description="Block Kit blocks; `text` is then what notifications show."),
    ] = None
    thread: Annotated[
        Text | None,
        msgspec.Meta(
            description="The `ts` of a message to answer.",
            examples=["{{ steps.first.output.ts }}"],
        ),
    ] = None
    api: Annotated[
        Url | None,
        msgspec.Meta(description=f"Another address of the Web API than `{API}`."),
    ] = None

    def __post_init__(self) -> None:
        if (self.url is None) == (self.token is None):
            raise ValueError("give either `url`, or `token` and `channel`")
        if (self.token is None) != (self.channel is None):
            raise ValueError("`token` and `channel` go together")


def prepare(options: Options, scope: Scope) -> Posting:
    """Fill the message. Raises TemplateError."""
    body: dict[str, Any] = {"text": cut(options.text.fill(scope), TEXT_LENGTH_MAX)}
    if options.blocks is not None:
        body["blocks"] = options.blocks.fill(scope)
    if options.thread is not None:
        body["thread_ts"] = options.thread.fill(scope)
    if options.url is not None:
        return posting(options.url, scope, body)
    assert options.token is not None  # `__post_init__` saw to it
    assert options.channel is not None
    body["channel"] = options.channel.fill(scope)
    authorization = f"Bearer {options.token.reveal()}"
    if options.api is not None:
        return posting(options.api, scope, body, Authorization=authorization)
    return Posting(url=API, headers={"Authorization": authorization}, body=body)


async def run(prepared: Posting, call: Call, outside: Outside) -> Outcome:
    """Send it once."""
    return await post(prepared, call, outside, sort)


def sort(answer: Answer, now: int) -> Outcome:
    """Sort Slack's answer; the Web API says what is wrong in the body of a 200."""
    outcome = sort_answer(answer, now)
    said = output_of(answer).get("json")
    if not isinstance(outcome, Done) or not isinstance(said, dict):
        return outcome
    if said.get("ok") is True:
        return Done({"ts": said.get("ts"), "channel": said.get("channel")})
    error = str(said.get("error", "unknown"))
    if error in _PASSING:
        return Again(error=f"Slack says `{error}`", output=outcome.output)
    return Never(error=f"Slack says `{error}`", output=outcome.output)
