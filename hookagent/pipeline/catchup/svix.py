"""The messages of an application at Svix, and at services that have its interface.

https://api.svix.com/docs: `GET /api/v1/app/{app}/msg` lists messages, the newest first, with their
payload, pages by `iterator` until `done`; `POST …/msg/{msg}/endpoint/{endpoint}/resend` sends one
again.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from hookagent.errors import OutsideError, UsageError
from hookagent.event import Event, RawRequest
from hookagent.eventfile import format_time, parse_time
from hookagent.pipeline.catchup.api import Api, fields, part
from hookagent.pipeline.catchup.base import Entry

BASE = "https://api.svix.com"
REGIONS = ("us", "eu", "in", "ca", "au")
PAGE = 50


def headers(token: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Authorization": f"Bearer {token}"}


def base(token: str) -> str:
    """Return the address for a token: its end names the region (`….eu`)."""
    region = token.rpartition(".")[2]
    return f"https://api.{region}.svix.com" if region in REGIONS else BASE


class Svix:
    """The messages of one application."""

    can_redeliver = True

    def __init__(self, api: Api, app: str, endpoint: str, id_header: str) -> None:
        if not app:
            raise UsageError("which application? give --app ID")
        self._api = api
        self._path = f"/api/v1/app/{part(app)}/msg"
        self._endpoint = endpoint
        self._id_header = id_header

    async def entries(self, since: int) -> AsyncIterator[Entry]:
        """Yield the messages sent since then."""
        query: dict[str, Any] = {"after": format_time(since), "with_content": "true"}
        while True:
            found, _ = await self._api.pages(self._path, query, PAGE)
            try:
                entries = [_entry(one) for one in found["data"]]
                is_done = bool(found["done"]) or not entries
                query["iterator"] = found.get("iterator")
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise OutsideError(f"the list is not as documented: {error}") from None
            for entry in entries:
                if entry.at >= since:
                    yield entry
            if is_done:
                return

    async def request(self, entry: Entry) -> RawRequest:
        """Return the message as a webhook brings it, without a signature."""
        body = json.dumps(entry.content, separators=(",", ":"), ensure_ascii=False)
        named = [("Content-Type", "application/json"), (self._id_header, entry.id)]
        return RawRequest(headers=fields(named), body=body.encode("utf-8", "surrogatepass"))

    async def redeliver(self, entry: Entry) -> None:
        """Ask for the message to be sent to the endpoint again."""
        if not self._endpoint:
            raise UsageError("to which endpoint? give --endpoint ID")
        await self._api.post(
            f"{self._path}/{part(entry.handle)}/endpoint/{part(self._endpoint)}/resend"
        )

    def id_of(self, event: Event) -> str:
        """Return the message's id."""
        return event.request.headers.text(self._id_header) or ""


def _entry(one: Any) -> Entry:
    return Entry(
        id=str(one["id"]),
        type=str(one["eventType"]),
        at=parse_time(str(one["timestamp"])),
        status="",
        handle=str(one["id"]),
        content=one["payload"],
    )
