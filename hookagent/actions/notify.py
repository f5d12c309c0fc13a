"""`notify`: a message to any of the services Apprise knows (extra `notify`).

Addresses come from configuration only, never from an event: Apprise knows schemes that read files
and call any host. It says whether a service took the message, not why not, so a failure is tried
again.
"""

import asyncio
from typing import Annotated, Any, Literal

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.extra import missing
from hookagent.actions.values import Secret, Text
from hookagent.job import Again, Done, Never, Outcome
from hookagent.template import Scope

about = "Send a message to one or several of the services Apprise knows (extra `notify`)."
leaves = '`{"sent": [{"service", "address", "status"}]}`, addresses masked.'
example = """\
action = "notify"
url = "${ALERT_URL}"
title = "Urgent ticket"
text = "{{ ticket_id }}: {{ subject }}"
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Where to, and what to say."""

    text: Annotated[Text, msgspec.Meta(description="The message.")]
    url: Annotated[
        Secret | None,
        msgspec.Meta(
            description="An Apprise address; an `https://hooks.slack.com/…` is understood too.",
            examples=["${ALERT_URL}"],
        ),
    ] = None
    urls: Annotated[
        list[Secret],
        msgspec.Meta(description="Several of them.", examples=[["${TELEGRAM_URL}", "${NTFY_URL}"]]),
    ] = []
    title: Annotated[Text | None, msgspec.Meta(description="A heading.")] = None
    kind: Annotated[
        Literal["info", "success", "warning", "failure"],
        msgspec.Meta(description="What kind of news it is."),
    ] = "info"

    def __post_init__(self) -> None:
        if self.url is None and not self.urls:
            raise ValueError("give `url` or `urls`")
        for url in self._all():
            text = url.reveal()
            if text.lower().startswith(("file:", "config:", "include")):
                raise ValueError("an address that reads files is not taken")

    def _all(self) -> list[Secret]:
        return [*([self.url] if self.url is not None else []), *self.urls]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The message and its addresses."""

    urls: tuple[Secret, ...]
    title: str
    text: str
    kind: Literal["info", "success", "warning", "failure"]


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the message. Raises TemplateError."""
    return Prepared(
        urls=tuple(options._all()),  # noqa: SLF001 - of this module
        title=options.title.fill(scope) if options.title else "",
        text=options.text.fill(scope),
        kind=options.kind,
    )


async def run(prepared: Prepared, call: Call, _outside: Outside) -> Outcome:
    """Send it to each address that has not taken it on an earlier try."""
    try:
        import apprise
    except ImportError:
        return missing("notify", "apprise")
    senders = []
    for place, url in enumerate(prepared.urls, start=1):
        senders.append(apprise.Apprise())
        if not senders[-1].add(url.reveal()):
            return Never(error=f"address {place} is none that Apprise understands")
    sent = _earlier(call, len(senders))
    waiting = [place for place, one in enumerate(sent) if one.get("status") != "success"]
    results = await asyncio.gather(
        *(
            senders[place].async_notify(
                body=prepared.text,
                title=prepared.title,
                notify_type=apprise.NotifyType(prepared.kind),
                timeout=call.timeout_ms / 1000,
            )
            for place in waiting
        ),
    )
    for place, result in zip(waiting, results, strict=True):
        sent[place] = _taken(result)
    return _sorted(sent)


def _taken(result: Any) -> dict[str, str]:
    """Say what became of one address; Apprise names it with its secrets masked."""
    named = next(iter(result.results), None)
    return {
        "service": str(getattr(named, "name", "")),
        "address": str(getattr(named, "url", "")),
        "status": str(result.status.name).lower(),
    }


def _earlier(call: Call, count: int) -> list[dict[str, str]]:
    """Return what became of each address on the previous try, empty where there was none."""
    before = call.earlier.get("sent") if isinstance(call.earlier, dict) else None
    if isinstance(before, list) and len(before) == count:
        return [one if isinstance(one, dict) else {} for one in before]
    return [{} for _ in range(count)]


def _sorted(sent: list[dict[str, str]]) -> Outcome:
    failed = [one for one in sent if one["status"] != "success"]
    if not failed:
        return Done({"sent": sent})
    names = ", ".join(f"{one['service']} ({one['address']}): {one['status']}" for one in failed)
    return Again(error=f"not taken by {names}", output={"sent": sent})
