"""What a provider's log of deliveries is to us, whatever its interface."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec

from hookagent.event import Event, RawRequest


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a provider's log has it."""

    id: str
    """The provider's id of the event, the same in every delivery of it."""
    type: str
    at: int
    """When it was sent or made, Unix milliseconds."""
    status: str
    """How its delivery went, in the provider's words; empty where the log does not say."""
    handle: str
    """What the log's interface calls this delivery."""
    content: Any = None
    """The event itself where the list has it; None where it must be asked for."""


class Log(Protocol):
    """One provider's log, for one account."""

    @property
    def can_redeliver(self) -> bool:
        """Whether the provider can be asked to send an event again."""

    def entries(self, since: int) -> AsyncIterator[Entry]:
        """Yield what was sent since then, the newest first. Raises OutsideError, NotFound."""

    async def request(self, entry: Entry) -> RawRequest:
        """Return an event as it was or would have been delivered. Raises OutsideError."""

    async def redeliver(self, entry: Entry) -> None:
        """Ask for one event once more. Raises OutsideError."""

    def id_of(self, event: Event) -> str:
        """Return the provider's id of a stored event, or empty."""
