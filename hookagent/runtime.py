"""Wires the parts of `serve`, starts them in order and stops them in reverse.

No behaviour of its own: what happens to an event is in `pipeline`, what a stranger sees in
`server`.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from hookagent.actions.base import Outside, Own
from hookagent.actions.client import circuits
from hookagent.actions.sender import Sender
from hookagent.config.model import Config, Source
from hookagent.config.trust import REGISTRY, users_registry
from hookagent.errors import ConfigError, OutsideError
from hookagent.event import RawRequest, new_id
from hookagent.pipeline import readiness
from hookagent.pipeline.allowance import Allowance
from hookagent.pipeline.emitting import emitter
from hookagent.pipeline.feed import Feed, Logged, Ready, Rules, Stopped, Stopping
from hookagent.pipeline.gate import Gate
from hookagent.pipeline.handshakes import confirm, handshakes_of
from hookagent.pipeline.hangup import on_hangup
from hookagent.pipeline.ingest import Ingest
from hookagent.pipeline.keys import PublishedKeys, published_keys
from hookagent.pipeline.limiter import FailureLimiter
from hookagent.pipeline.origin import replay_key
from hookagent.pipeline.passing import Passing, PassingDesk, Target
from hookagent.pipeline.presence import announce
from hookagent.pipeline.public import PublicFace
from hookagent.pipeline.rulebook import Rulebook, Turns, load_rulebook
from hookagent.pipeline.targets import tell
from hookagent.pipeline.upkeep import Upkeep
from hookagent.pipeline.worker import Worker
from hookagent.providers.detect import recognized
from hookagent.providers.verify import Verifier
from hookagent.server.limits import Limits
from hookagent.server.listener import Listener, check_parser
from hookagent.store.base import Store
from hookagent.store.registry import open_store

ANSWER_GRACE_S = 5.0
"""How long a stop waits for answers that wait for their commit."""
RELOAD_QUIET_MS = 150
"""Editors write a file in several steps; a reload waits until they are done."""


def clock() -> int:
    """Return Unix milliseconds: the one place where the agent reads the time."""
    return time.time_ns() // 1_000_000


def entropy() -> int:
    """Return 48 random bits for an id."""
    return int.from_bytes(os.urandom(6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the command line decides beyond the configuration."""

    dry_run: bool = False
    with_inspector: bool = True
    watch_rules: bool = True
    forward: Target | None = None
    """Pass everything on to this application, whose answer is the sender's."""


class Agent:
    """A running agent: what `serve` needs to hold in its hands."""

    def __init__(self, config: Config, feed: Feed, choices: Choices) -> None:
        self.config = config
        self.feed = feed
        self.choices = choices
        self.public = PublicFace(config, feed, clock)
        self.listener_url = ""
        self.inspector_url: str | None = None
        self._allowance = Allowance(users_registry(), config.folder)
        self._stack = AsyncExitStack()
        self._worker: Worker | None = None
        self._listener: Listener | None = None
        self._store: Store | None = None
        self._outside: Outside | None = None
        self._keys: PublishedKeys | None = None
        self._sender: Sender | None = None

    async def start(self) -> None:
        """Start everything; returns when requests are accepted. Raises HookagentError."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def _start(self) -> None:
        config, enter = self.config, self._stack.enter_async_context
        check_parser()
        if config.log.enabled:
            from hookagent.pipeline.logbook import Logbook

            self._background(Logbook(config, self.feed, clock).run(), "log")
        rulebook = load_rulebook(config.rules, config.folder, config.environment)
        self._check(rulebook)
        store = await enter(_opened(config))
        allows = None if self.choices.dry_run else self._allowance.allows
        outside = await enter(_outside(config, self._own, self.feed, allows))
        worker = Worker(
            store,
            self.feed,
            outside,
            config.worker,
            dict(config.sources),
            owner=new_id("agent", clock(), entropy()),
            clock=clock,
            dry_run=self.choices.dry_run,
        )
        outside.memory = store
        outside.emit = emitter(store, worker, self.feed, clock=clock, entropy=entropy)
        worker.use(rulebook)
        self._store, self._worker = store, worker
        self._outside = outside
        self._keys = await enter(published_keys(config.sources.values(), outside))
        if self.choices.forward is not None:
            self._sender = await enter(Sender())
            await asyncio.to_thread(recognized, RawRequest())  # the first sender need not wait
        listener = self._listen(store, worker)
        port = await _bind(listener, config.server.host, config.server.port)
        self._stack.push_async_callback(listener.close, ANSWER_GRACE_S)
        self.listener_url = f"http://{_host(config.server.host)}:{port}"
        present = announce(config.state_folder, self.listener_url)
        self._stack.callback(present.unlink, missing_ok=True)
        if self.choices.with_inspector:
            from hookagent.server.inspector import Inspector, Parts

            parts = Parts(
                config=config,
                store=store,
                feed=self.feed,
                public=self.public,
                rulebook=lambda: worker.rulebook,
                breakers=lambda: circuits(outside),
                clock=clock,
                listener=self.listener_url,
            )
            self.inspector_url = await enter(Inspector(parts).serving())
        await worker.start()
        self._background(Upkeep(store, config.store, clock).run(), "upkeep")
        self._background(tell(config.state_folder, lambda: circuits(outside)), "targets")
        self._watch(store, worker, outside)
        if self.choices.watch_rules and config.rules:
            self._background(self._watch_rules(worker), "rules")
        self.feed.publish(
            Ready(
                at=clock(),
                listener=self.listener_url,
                inspector=self.inspector_url,
                public=config.server.public_url,
                sources=self.public.urls(config.server.public_url or self.listener_url),
            )
        )
        if self.choices.forward is None:
            self.feed.publish(Rules(at=clock(), loaded=len(rulebook)))
        await enter(self.public.tunnel(self.listener_url, listener.probes))
        self._stack.callback(on_hangup(lambda: self.reload(worker)))
        readiness.tell(readiness.READY, os.environ)

    async def stop(self) -> None:
        """Stop cleanly: refuse new work, finish or park what runs, say what is left."""
        worker, listener = self._worker, self._listener
        assert worker is not None
        assert listener is not None
        readiness.tell(readiness.STOPPING, os.environ)
        self.feed.publish(Stopping(at=clock(), running=worker.running))
        listener.stop_accepting()
        await listener.close(ANSWER_GRACE_S)
        left = await worker.stop()
        self.feed.publish(Stopped(at=clock(), left=left))
        await self._stack.aclose()

    def _watch(self, store: Store, worker: Worker, outside: Outside) -> None:
        """Notice silence and trouble; tell somebody else that this agent lives."""
        watch = self.config.watch
        if watch.enabled:
            from hookagent.actions.client import circuits
            from hookagent.pipeline import watching

            assert outside.emit is not None
            parts = watching.Parts(
                config=self.config,
                store=store,
                feed=self.feed,
                emit=outside.emit,
                rulebook=lambda: worker.rulebook,
                breakers=lambda: circuits(outside),
                clock=clock,
                disk_free=watching.free_below(self.config),
            )
            watcher = watching.Watching(parts)
            worker.observe = watcher.saw
            self._background(watcher.run(), "watch")
        if watch.heartbeat_url:
            from hookagent.pipeline.heartbeat import Heartbeat

            beats = (outside, store, self.feed)
            heart = Heartbeat(watch.heartbeat_url, watch.heartbeat_ms, beats, clock)
            self._background(heart.run(), "heartbeat")

    def _check(self, rulebook: Rulebook) -> None:
        """Refuse what would start programs nobody allowed; in a dry run no rule starts any."""
        problems = self._allowance.tunnel_problems(self.config.tunnel)
        if not self.choices.dry_run:
            problems += self._allowance.problems(rulebook.ruleset)
        if problems:
            raise ConfigError(problems)

    def _listen(self, store: Store, worker: Worker) -> Listener:
        config = self.config
        ingest = self._ingest(store, worker)
        limits = Limits(config.server, behind_tunnel=config.tunnel.provider != "none")
        self._listener = Listener(
            ingest, limits, clock=clock, base_url=lambda: self.public.url or ""
        )
        return self._listener

    def _ingest(self, store: Store, worker: Worker) -> Ingest:
        """Make the front door: that of the sources, or the one that passes everything on."""
        config, target = self.config, self.choices.forward
        replays = replay_key(config.state_folder)
        limiter = FailureLimiter(config.server.failures_per_minute)
        if target is None or self._sender is None:
            gates = {name: self._gate(source) for name, source in config.sources.items()}
            return Ingest(
                gates,
                store,
                self.feed,
                worker,
                clock=clock,
                entropy=_fast_entropy(),
                replay_key=replays,
                limiter=limiter,
            )
        passing = Passing(
            target,
            self._sender,
            store,
            self.feed,
            PassingDesk(worker.owner, target.limit_ms),
            max_body=config.server.max_body,
            clock=clock,
            entropy=_fast_entropy(),
            replay_key=replays,
            limiter=limiter,
        )
        self._stack.push_async_callback(passing.settle)
        return passing

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
                keys=self._keys,
            )

        def take_key(key: str) -> None:
            gate.verifier = verifier((key, *source.secrets))

        shakes = handshakes_of(source, config, take_key=take_key, fetch=self._confirm)
        gate = Gate(source, verifier(source.secrets), shakes)
        return gate

    def _confirm(self, url: str) -> None:
        """Fetch an address that a handshake asks us to confirm; its host is pinned already."""
        self._background(self._fetch(url), "confirm")

    async def _fetch(self, url: str) -> None:
        assert self._outside is not None
        self.feed.publish(Logged(at=clock(), line=await confirm(self._outside, url)))

    def _own(self) -> Own:
        """Addresses of ours that no action may call."""
        urls = [self.listener_url, self.inspector_url or ""]
        ports = frozenset(port for url in urls if (port := urlsplit(url).port))
        public = urlsplit(self.public.url or "").hostname
        return Own(ports=ports, hosts=frozenset({public} if public else ()))

    def _background(self, work: "asyncio._CoroutineLike[None]", name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._stack.push_async_callback(end)

    async def _watch_rules(self, worker: Worker) -> None:
        """Reload rules when their files change; a broken edit leaves the last good set."""
        from watchfiles import awatch

        folders = {path if path.is_dir() else path.parent for path in self.config.rules}
        folders.add(users_registry().folder)  # a command that was refused may be allowed any time
        existing = [folder for folder in folders if folder.is_dir()]
        async for changes in awatch(*existing, debounce=RELOAD_QUIET_MS, step=RELOAD_QUIET_MS // 3):
            if not any(path.endswith((".toml", REGISTRY)) for _, path in changes):
                continue
            await self.reload(worker)

    async def reload(self, worker: Worker) -> None:
        """Read the rules again and use them if they are good."""
        config = self.config
        try:
            rulebook: Rulebook = await asyncio.to_thread(
                load_rulebook, config.rules, config.folder, config.environment, Turns()
            )
            self._check(rulebook)
        except ConfigError as error:
            kept = len(worker.rulebook) if worker.rulebook else 0
            problems = [str(problem) for problem in error.problems]
            self.feed.publish(Rules(at=clock(), loaded=kept, problems=problems, kept=True))
            return
        worker.use(rulebook)
        self.feed.publish(Rules(at=clock(), loaded=len(rulebook)))


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Store]:
    store = open_store(config.store.url, config.state_folder, queue_max=config.server.queue)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _outside(
    config: Config, own: Callable[[], Own], feed: Feed, allows: Callable[[str], bool] | None
) -> AsyncIterator[Outside]:
    outside = Outside(
        folder=config.folder,
        state=config.state_folder,
        environment=config.environment,
        clock=clock,
        own=own,
        say=lambda line: feed.publish(Logged(at=clock(), line=line)),
        allows=allows,
    )
    try:
        yield outside
    finally:
        await outside.close()


async def _bind(listener: Listener, host: str, port: int) -> int:
    try:
        return await listener.start(host, port)
    except OSError as error:
        raise OutsideError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="another `hookagent serve` may be running; choose another with `--port`,"
            " or 0 for a free one",
        ) from None


def _host(host: str) -> str:
    """Write a host as a URL needs it; the unspecified ones are reached by loopback."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _fast_entropy() -> Callable[[], int]:
    """Return a generator of 48-bit numbers for event ids, seeded from the system.

    Ids must be distinct, not secret: a call to the system for each request is not needed.
    """
    import random

    generator = random.Random(secrets.token_bytes(32))  # noqa: S311 - ids, not secrets
    return lambda: generator.getrandbits(48)
