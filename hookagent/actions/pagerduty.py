"""`pagerduty`: trigger, acknowledge or resolve an alert (Events API v2).

https://developer.pagerduty.com/docs/send-alert-event. Its `dedup_key` is how it knows a repetition:
the rule's own, else the step's idempotency key.
"""

from typing import Annotated, Any, Literal

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.posting import Posting, cut, post, posting
from hookagent.actions.values import Json, Secret, Text, Url
from hookagent.job import Outcome
from hookagent.template import Scope

about = "Trigger, acknowledge or resolve a PagerDuty alert."
leaves = '`{"status", ..., "json": {"dedup_key"}}`: the answer.'
example = """\
action = "pagerduty"
routing_key = "${PAGERDUTY_KEY}"
summary = "{{ host }} has not reported for an hour"
severity = "critical"
dedup_key = "silence-{{ host }}"
"""

API = "https://events.pagerduty.com/v2/enqueue"
SUMMARY_LENGTH_MAX = 1024
DEDUP_KEY_LENGTH_MAX = 255


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which service, and what happened."""

    routing_key: Annotated[
        Secret,
        msgspec.Meta(description="The integration's key.", examples=["${PAGERDUTY_KEY}"]),
    ]
    do: Annotated[
        Literal["trigger", "acknowledge", "resolve"],
        msgspec.Meta(description="What to do with the alert."),
    ] = "trigger"
    summary: Annotated[
        Text | None,
        msgspec.Meta(description="What happened, in a sentence; needed to trigger."),
    ] = None
    severity: Annotated[
        Literal["critical", "error", "warning", "info"],
        msgspec.Meta(description="How grave it is."),
    ] = "error"
    source: Annotated[
        Text | None,
        msgspec.Meta(description="What is affected; left out, the event's source."),
    ] = None
    dedup_key: Annotated[
        Text | None,
        msgspec.Meta(
            description=(
                "Names the alert, so that it can be resolved; needed for anything but trigger."
            ),
            examples=["disk-{{ host }}"],
        ),
    ] = None
    details: Annotated[
        Json | None,
        msgspec.Meta(description="More about it, as a table."),
    ] = None
    link: Annotated[Url | None, msgspec.Meta(description="Where to read on.")] = None
    api: Annotated[
        Url | None,
        msgspec.Meta(
            description=f"Another address than `{API}`.",
            examples=["https://events.eu.pagerduty.com/v2/enqueue"],
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.do == "trigger" and self.summary is None:
            raise ValueError("`summary` is needed to trigger an alert")
        if self.do != "trigger" and self.dedup_key is None:
            raise ValueError(f"`dedup_key` is needed to {self.do} an alert")


def prepare(options: Options, scope: Scope) -> Posting:
    """Fill the alert. Raises TemplateError."""
    body: dict[str, Any] = {"routing_key": options.routing_key.reveal(), "event_action": options.do}
    if options.dedup_key is not None:
        body["dedup_key"] = options.dedup_key.fill(scope)[:DEDUP_KEY_LENGTH_MAX]
    if options.summary is not None:
        source = options.source.fill(scope) if options.source else scope.event.source
        body["payload"] = {
            "summary": cut(options.summary.fill(scope), SUMMARY_LENGTH_MAX),
            "source": source,
            "severity": options.severity,
        }
        if options.details is not None:
            body["payload"]["custom_details"] = options.details.fill(scope)
    if options.link is not None:
        body["links"] = [{"href": options.link.fill(scope), "text": "Open"}]
    if options.api is not None:
        return posting(options.api, scope, body)
    return Posting(url=API, body=body)


async def run(prepared: Posting, call: Call, outside: Outside) -> Outcome:
    """Send it once, named so that a repetition is the same alert."""
    body = {"dedup_key": call.idempotency_key, **prepared.body}
    return await post(msgspec.structs.replace(prepared, body=body), call, outside)
