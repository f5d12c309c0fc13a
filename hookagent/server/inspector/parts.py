"""What the inspector is given: the parts of the running agent it looks at and acts through."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from hookagent.actions.circuit import Circuit
from hookagent.config.model import Config
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.public import PublicFace
from hookagent.pipeline.rulebook import Rulebook
from hookagent.store.base import Store, Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The running agent as the inspector sees it."""

    config: Config
    store: Store
    feed: Feed
    public: PublicFace
    rulebook: Callable[[], Rulebook | None]
    """The rules in force now."""
    breakers: Callable[[], Mapping[str, Circuit]]
    """Every breaker that has something to say, by target."""
    clock: Callable[[], int]
    """Unix milliseconds."""
    listener: str
    """The listener's URL, without a slash at the end."""
    listens: bool = True
    """Whether it is this process's own; at a node that only works another is asked."""
    uncounted: Callable[[], Sequence[Stretch]] = tuple
    """Statistics that are not in the store yet."""


PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)
