"""A heartbeat to somebody else: a laptop that is off cannot say so itself.

The address is fetched again and again while the store answers. Whoever is there (any dead-man
service) raises the alarm when it stops.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Refused, Request, Unreachable, client_of
from hookagent.actions.egress import Permit
from hookagent.pipeline.feed import Feed, Trouble
from hookagent.store.base import Store, StoreUnavailable

TIMEOUT_MS = 10_000
STATUS_BAD = 400


class Heartbeat:
    """Beats until cancelled."""

    def __init__(
        self, url: str, every_ms: int, parts: tuple[Outside, Store, Feed], clock: Callable[[], int]
    ) -> None:
        self._every_s = every_ms / 1000
        self._outside, self._store, self._feed = parts
        self._clock = clock
        host = (urlsplit(url).hostname or "").lower()
        self._request = Request(method="GET", url=url, permit=Permit(host=host))

    async def run(self) -> None:
        """Beat, wait, beat again."""
        while True:
            problem = await self.beat()
            if problem:
                self._feed.publish(
                    Trouble(
                        at=self._clock(),
                        part="heartbeat",
                        message=f"the heartbeat did not get through: {problem}",
                        hint="see `heartbeat_url` in [watch]",
                    )
                )
            await asyncio.sleep(self._every_s)

    async def beat(self) -> str:
        """Beat once; return why it did not get through, empty where it did."""
        try:
            await self._store.next_due()
        except StoreUnavailable as error:
            return error.message
        client = await client_of(self._outside)
        call = Call(idempotency_key="", run_id="", event_id="", source="", timeout_ms=TIMEOUT_MS)
        try:
            answer = await client.send(self._request, call)
        except (Refused, Unreachable) as error:
            return str(error)
        return f"it was answered with {answer.status}" if answer.status >= STATUS_BAD else ""
