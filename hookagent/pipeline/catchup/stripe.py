"""Stripe's list of events, kept for thirty days: https://docs.stripe.com/api/events/list.

The list has the events whole, the newest first, pages by `starting_after`. It says how many
webhooks are still to be delivered, not to whom; sending again is not part of the interface.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from hookagent.errors import AnswerNo, OutsideError
from hookagent.event import Event, Headers, RawRequest
from hookagent.pipeline.catchup.api import Api
from hookagent.pipeline.catchup.base import Entry

BASE = "https://api.stripe.com"
PAGE = 20


def headers(token: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Authorization": f"Bearer {token}"}


class Stripe:
    """The events of one account."""

    can_redeliver = False

    def __init__(self, api: Api) -> None:
        self._api = api

    async def entries(self, since: int) -> AsyncIterator[Entry]:
        """Yield the events made since then."""
        query: dict[str, Any] = {"created[gte]": since // 1000}
        while True:
            found, _ = await self._api.pages("/v1/events", query, PAGE)
            try:
                entries = [_entry(one) for one in found["data"]]
                has_more = bool(found["has_more"]) and bool(entries)
            except (KeyError, TypeError, AttributeError) as error:
                raise OutsideError(f"Stripe's list is not as documented: {error}") from None
            for entry in entries:
                yield entry
            if not has_more:
                return
            query["starting_after"] = entries[-1].id

    async def request(self, entry: Entry) -> RawRequest:
        """Return the event as a webhook brings it."""
        body = json.dumps(entry.content, indent=2, ensure_ascii=False)
        fields = Headers.of({"Content-Type": "application/json; charset=utf-8"})
        return RawRequest(headers=fields, body=body.encode("utf-8", "surrogatepass"))

    async def redeliver(self, entry: Entry) -> None:
        """Say that this cannot be asked for."""
        raise AnswerNo(
            f"Stripe has no interface that sends `{entry.id}` again",
            hint="--fetch brings it in; the Stripe CLI can resend: stripe events resend",
        )

    def id_of(self, event: Event) -> str:
        """Return the event's id."""
        found = event.payload.get("id") if isinstance(event.payload, dict) else None
        return found if isinstance(found, str) else ""


def _entry(one: Any) -> Entry:
    pending = one.get("pending_webhooks")
    return Entry(
        id=str(one["id"]),
        type=str(one["type"]),
        at=int(one["created"]) * 1000,
        status=f"{pending} pending" if pending else "",
        handle=str(one["id"]),
        content=one,
    )
