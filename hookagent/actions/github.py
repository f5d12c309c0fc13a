"""`github`: open an issue, comment, label, or dispatch a workflow, by the REST API.

https://docs.github.com/rest (version 2022-11-28). Creating knows no idempotency key, so what is
created carries the step's key in a comment nobody sees, and a second try looks for it first. Rate
limits are answered with 403 or 429; `Retry-After` and `X-RateLimit-Reset` are honoured.
"""

import re
from typing import Annotated, Any, Literal
from urllib.parse import quote

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Answer
from hookagent.actions.egress import Permit
from hookagent.actions.exchange import output_of, retry_after, said, sort_answer
from hookagent.actions.posting import Posting, cut, post
from hookagent.actions.values import Json, MarkdownText, Secret, Text, Url
from hookagent.eventfile import format_time
from hookagent.job import Again, Done, Outcome
from hookagent.template import Scope, TemplateError

about = "Open an issue, comment, label, or dispatch an event in a GitHub repository."
leaves = '`{"number", "id", "html_url", ...}` of what was made.'
example = """\
action = "github"
do = "issue"
repository = "{{ repository.full_name }}"
token = "${GITHUB_TOKEN}"
title = "Nightly build of {{ branch }} failed"
body = "See {{ run_url }}"
labels = ["build"]
"""

API = "https://api.github.com"
BODY_LENGTH_MAX = 65_000
TITLE_LENGTH_MAX = 256
LOOKED_AT = 100
"""How many of the newest issues or comments a second try looks through."""
_REPOSITORY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, where, and with what."""

    do: Annotated[
        Literal["issue", "comment", "label", "dispatch"],
        msgspec.Meta(
            description=(
                "`issue` opens one, `comment` and `label` act on an issue or pull request, "
                "`dispatch` sends a `repository_dispatch` event."
            ),
        ),
    ]
    repository: Annotated[
        Text,
        msgspec.Meta(description="Owner and name.", examples=["{{ repository.full_name }}"]),
    ]
    token: Annotated[
        Secret,
        msgspec.Meta(description="A token that may write there.", examples=["${GITHUB_TOKEN}"]),
    ]
    title: Annotated[Text | None, msgspec.Meta(description="The issue's title.")] = None
    body: Annotated[
        MarkdownText | None,
        msgspec.Meta(description="Markdown; inserted values are plain text and mention nobody."),
    ] = None
    number: Annotated[
        Text | None,
        msgspec.Meta(
            description="Which issue or pull request.",
            examples=["{{ pull_request.number }}"],
        ),
    ] = None
    labels: Annotated[list[Text], msgspec.Meta(description="Labels to give it.")] = []
    event_type: Annotated[Text | None, msgspec.Meta(description="The dispatched event's type.")] = (
        None
    )
    payload: Annotated[
        Json | None,
        msgspec.Meta(description="The dispatched event's `client_payload`, a table."),
    ] = None
    api: Annotated[
        Url | None,
        msgspec.Meta(description=f"Another API than `{API}`, as GitHub Enterprise has."),
    ] = None

    def __post_init__(self) -> None:
        for name in _NEEDED[self.do]:
            if not getattr(self, name):
                raise ValueError(f'`{name}` is needed for `do = "{self.do}"`')


_NEEDED: dict[str, tuple[str, ...]] = {
    "issue": ("title",),
    "comment": ("number", "body"),
    "label": ("number", "labels"),
    "dispatch": ("event_type",),
}


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The call to make, and where a second try looks for what the first has made."""

    message: Posting
    lookup: str = ""
    """Empty where a repetition changes nothing anyway."""


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the call. Raises TemplateError."""
    repository = options.repository.fill(scope)
    if not _REPOSITORY.match(repository) or repository.endswith(("/.", "/..")):
        raise TemplateError(f"`{repository[:80]}` is not a repository's owner and name")
    api = API if options.api is None else options.api.fill(scope).rstrip("/")
    base = f"{api}/repos/{repository}"
    path, body, lookup = _PARTS[options.do](options, scope)
    message = Posting(
        url=f"{base}/{path}",
        headers={
            "Authorization": f"Bearer {options.token.reveal()}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        body=body,
        permit=Permit(options.api.host if options.api else ""),
    )
    return Prepared(message=message, lookup=f"{base}/{lookup}" if lookup else "")


_Parts = tuple[str, dict[str, Any], str]


def _issue(options: Options, scope: Scope) -> _Parts:
    assert options.title is not None  # `__post_init__` saw to it
    body: dict[str, Any] = {
        "title": cut(options.title.fill(scope), TITLE_LENGTH_MAX),
        "body": _text(options, scope),
    }
    if options.labels:
        body["labels"] = [label.fill(scope) for label in options.labels]
    return "issues", body, f"issues?state=all&sort=created&{_since(scope)}"


def _comment(options: Options, scope: Scope) -> _Parts:
    number = _number(options, scope)
    path = f"issues/{number}/comments"
    return path, {"body": _text(options, scope)}, f"{path}?{_since(scope)}"


def _since(scope: Scope) -> str:
    """Look at what was made after the event arrived: the rest cannot be ours."""
    return f"per_page={LOOKED_AT}&since={quote(format_time(scope.event.received_at))}"


def _label(options: Options, scope: Scope) -> _Parts:
    labels = [label.fill(scope) for label in options.labels]
    return f"issues/{_number(options, scope)}/labels", {"labels": labels}, ""


def _dispatch(options: Options, scope: Scope) -> _Parts:
    assert options.event_type is not None
    body: dict[str, Any] = {"event_type": options.event_type.fill(scope)[:100]}
    if options.payload is not None:
        body["client_payload"] = options.payload.fill(scope)
    return "dispatches", body, ""


_PARTS = {"issue": _issue, "comment": _comment, "label": _label, "dispatch": _dispatch}


def _text(options: Options, scope: Scope) -> str:
    return cut(options.body.fill(scope), BODY_LENGTH_MAX) if options.body else ""


def _number(options: Options, scope: Scope) -> str:
    assert options.number is not None
    number = options.number.fill(scope)
    if not (number.isascii() and number.isdigit() and len(number) <= NUMBER_LENGTH_MAX):
        raise TemplateError(f"`{number[:40]}` is not an issue's number")
    return number


NUMBER_LENGTH_MAX = 12


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Make the call once; on a second try only if the first left nothing."""
    message = prepared.message
    if not prepared.lookup:
        return await post(message, call, outside, sort)
    mark = f"<!-- hookagent {call.idempotency_key} -->"
    if call.attempt > 1:
        found = await _find(prepared, mark, call, outside)
        if found is not None:
            return found
    body = {**message.body, "body": f"{message.body['body']}\n\n{mark}".lstrip()}
    return await post(msgspec.structs.replace(message, body=body), call, outside, sort)


async def _find(prepared: Prepared, mark: str, call: Call, outside: Outside) -> Outcome | None:
    """Return what an earlier try has made, the failure to look, or None where there is nothing."""
    looking = msgspec.structs.replace(
        prepared.message, method="GET", url=prepared.lookup, body=None,
    )  # fmt: skip

    def listed(answer: Answer, now: int) -> Outcome:
        outcome = sort(answer, now)
        return Done(output_of(answer).get("json")) if isinstance(outcome, Done) else outcome

    outcome = await post(looking, call, outside, listed)
    if not isinstance(outcome, Done):
        return outcome
    for entry in outcome.output if isinstance(outcome.output, list) else ():
        if isinstance(entry, dict) and mark in str(entry.get("body") or ""):
            return Done(_kept(entry))
    return None


def sort(answer: Answer, now: int) -> Outcome:
    """Sort GitHub's answer; a 403 with an empty allowance is a rate limit, not a refusal."""
    outcome = sort_answer(answer, now)
    if isinstance(outcome, Done):
        kept = output_of(answer).get("json")
        return Done(_kept(kept) if isinstance(kept, dict) else {"status": answer.status})
    wait = retry_after(answer, now)
    if wait is None and answer.header("x-ratelimit-remaining") == "0":
        reset = answer.header("x-ratelimit-reset") or ""
        wait = max(0, int(reset[:12]) * 1000 - now) if reset.isascii() and reset.isdigit() else None
    is_limit = answer.status in {403, 429} and (
        wait is not None or b"rate limit" in answer.body.lower()
    )
    if is_limit:
        return Again(error=said(answer), retry_after_ms=wait, output=output_of(answer))
    return outcome


_KEPT = ("number", "id", "html_url", "node_id", "state")


def _kept(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what later steps need of an issue or comment, not its hundred links."""
    return {name: entry[name] for name in _KEPT if name in entry}
