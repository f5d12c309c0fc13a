"""An alert: one thing a person should know, opened once and closed once."""

from typing import Any

import msgspec

RECOVERED = "watch.recovered"
"""The type of every alert that takes another one back."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What is said, about what, since when. Becomes an event of source `hookagent`."""

    type: str
    """Of the event: `watch.silence`, `watch.recovered`, `breaker.open` …"""
    subject: str
    """What it is about: an expectation's, source's or rule's name, a target."""
    at: int
    """When it was found, Unix milliseconds."""
    since: int
    """When the trouble began; the same for the alert, its reminders and its recovery."""
    message: str
    """One sentence; what strangers sent may be in it, so escape it for a terminal."""
    hint: str = ""
    watch: str = ""
    """For a recovery: the type it takes back."""
    reminder: int = 0
    """0 for the first word, then 1, 2 …"""
    facts: dict[str, Any] = {}

    @property
    def is_recovery(self) -> bool:
        """Whether it is good news."""
        return self.type == RECOVERED

    @property
    def key(self) -> str:
        """The alert's identity: saying it again, after a crash too, makes no second event."""
        kind = f"{self.type}({self.watch})" if self.watch else self.type
        return f"watch:{kind}:{self.subject}:{self.since}:{self.reminder}"
