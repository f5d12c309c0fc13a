"""The desk of a node that only receives: every event it stores is some worker's to claim."""

from hookagent.event import Event


class Reception:
    """Keeps nothing in memory."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def wants(self, _event: Event) -> bool:
        """Want every event: the workers have the rules."""
        return True

    def lease(self, _now: int) -> int:
        """Never lease an event: nobody here would route it."""
        return 0

    def offer(self, event: Event) -> None:
        """Refuse to be given an event: without a lease none is offered."""
        raise AssertionError(f"event {event.id} was offered where nobody works")

    note = offer
