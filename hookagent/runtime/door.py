"""The front door: gates with their verifiers and handshakes, and what takes the deliveries in."""

from collections.abc import Callable
from dataclasses import dataclass

from hookagent.actions.sender import Sender
from hookagent.config.model import Config, Source
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.gate import Gate
from hookagent.pipeline.handshakes import handshakes_of
from hookagent.pipeline.ingest import Desk, Ingest
from hookagent.pipeline.keys import PublishedKeys
from hookagent.pipeline.limiter import FailureLimiter
from hookagent.pipeline.passing import Passing, PassingDesk, Target
from hookagent.providers.verify import Verifier
from hookagent.runtime.opening import clock, fast_entropy
from hookagent.store.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What a front door is made of."""

    config: Config
    store: Store
    feed: Feed
    keys: PublishedKeys
    replay_key: bytes
    confirm: Callable[[str], None]
    """Fetches an address that a handshake asks to confirm."""

    def for_sources(self, desk: Desk) -> Ingest:
        """Make the door of the configured sources."""
        gates = {name: self._gate(source) for name, source in self.config.sources.items()}
        return Ingest(
            gates,
            self.store,
            self.feed,
            desk,
            clock=clock,
            entropy=fast_entropy(),
            replay_key=self.replay_key,
            limiter=self._limiter(),
        )

    def for_passing(self, target: Target, sender: Sender, owner: str) -> Passing:
        """Make the door that passes everything on."""
        return Passing(
            target,
            sender,
            self.store,
            self.feed,
            PassingDesk(owner, target.limit_ms),
            max_body=self.config.server.max_body,
            clock=clock,
            entropy=fast_entropy(),
            replay_key=self.replay_key,
            limiter=self._limiter(),
        )

    def _limiter(self) -> FailureLimiter:
        return FailureLimiter(self.config.server.failures_per_minute)

    def _gate(self, source: Source) -> Gate:
        """Make a source ready: its verifier, and the handshakes it answers."""
        config = self.config

        def verifier(secrets: tuple[str, ...]) -> Verifier:
            return Verifier(
                source.scheme,
                secrets,
                tolerance_ms=source.tolerance_ms,
                settings=dict(source.settings),
                base_url=source.base_url or config.server.public_url or "",
                keys=self.keys,
            )

        def take_key(key: str) -> None:
            gate.verifier = verifier((key, *source.secrets))

        shakes = handshakes_of(source, config, take_key=take_key, fetch=self.confirm)
        gate = Gate(source, verifier(source.secrets), shakes)
        return gate
