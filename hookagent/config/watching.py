"""What `[[expect]]`, `[watch]` and `[log]` decide, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from hookagent.subject import Reference

if TYPE_CHECKING:
    from hookagent.rules.model import Rule
    from hookagent.watch.expectation import Expectation
    from hookagent.watch.pair import Pair
    from hookagent.watch.settings import Thresholds

LOG_LEVELS = ("debug", "info", "warning", "error", "off")
LOG_PARTS = ("delivery", "rules", "run", "tunnel", "watch", "agent")
"""What a line of the log can be about; each may have a level of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An expectation on one kind of event."""

    spec: "Expectation"
    match: "Rule"
    """Which events meet it: a rule that does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPair:
    """An expectation that one kind of event follows another."""

    spec: "Pair"
    first: "Rule"
    second: "Rule"
    by: tuple[Reference, ...] = ()
    """What both have in common; empty: any follow-up will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How the agent watches itself and its sources."""

    enabled: bool = True
    thresholds: "Thresholds | None" = None
    """None: the defaults."""
    heartbeat_url: str | None = field(default=None, repr=False)
    """Fetched again and again while all is well, so that somebody else notices a dead laptop."""
    heartbeat_ms: int = 60_000
    expectations: tuple[Expected, ...] = ()
    pairs: tuple[ExpectedPair, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log file in the state folder."""

    enabled: bool = True
    format: str = "json"
    """`json` or `text`."""
    level: str = "info"
    levels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """By part, where it differs."""
    max_bytes: int = 10 * 1024 * 1024
    """A file of this size is set aside."""
    kept: int = 5
    """Files set aside that are kept."""
    folder: Path | None = None
    """Where the files are; None: `log` in the state folder."""

    def level_of(self, part: str) -> str:
        """Return the level of a part."""
        return self.levels.get(part, self.level)
