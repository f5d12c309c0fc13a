"""A JSON message to a service: what the actions for chat and alerting services share."""

from typing import Any

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Request
from hookagent.actions.egress import Permit
from hookagent.actions.exchange import Sort, exchange
from hookagent.actions.values import Url, encode_json
from hookagent.job import Outcome
from hookagent.template import Scope


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One message as it will be posted."""

    method: str = "POST"
    url: str
    headers: dict[str, str] = {}
    body: Any
    permit: Permit = Permit()

    def request(self) -> Request:
        """Return the HTTP request of it."""
        return Request(
            method=self.method,
            url=self.url,
            headers=(("Content-Type", "application/json"), *self.headers.items()),
            body=b"" if self.body is None else encode_json(self.body),
            permit=self.permit,
        )


def posting(url: Url, scope: Scope, body: Any, **headers: str) -> Posting:
    """Make a message to an address as the rule's author wrote it."""
    return Posting(url=url.fill(scope), headers=headers, body=body, permit=Permit(url.host))


async def post(message: Posting, call: Call, outside: Outside, sort: Sort | None = None) -> Outcome:
    """Post it once and sort the answer."""
    return await exchange(message.request(), call, outside, sort)


def cut(text: str, length_max: int) -> str:
    """Shorten a text to what a service takes, with a sign that it was longer."""
    return text if len(text) <= length_max else text[: length_max - 1] + "…"
