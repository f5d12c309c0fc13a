"""The running agent: its parts in order, and back in reverse."""

import asyncio
import dataclasses
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from hookagent.actions.base import Outside, Own
from hookagent.actions.client import certificates, circuits
from hookagent.actions.sender import Sender
from hookagent.config.model import Config
from hookagent.config.trust import users_registry
from hookagent.errors import ConfigError
from hookagent.event import RawRequest, new_id
from hookagent.pipeline import readiness, telemetry
from hookagent.pipeline.allowance import Allowance
from hookagent.pipeline.breakers import share
from hookagent.pipeline.duty import PRUNE, WATCH, Duties
from hookagent.pipeline.emitting import emitter
from hookagent.pipeline.entrance import common_key
from hookagent.pipeline.feed import Feed, Logged, Ready, Rules, Stopped, Stopping
from hookagent.pipeline.handshakes import confirm
from hookagent.pipeline.hangup import on_hangup
from hookagent.pipeline.ingest import Ingest
from hookagent.pipeline.judge import awake_since
from hookagent.pipeline.keys import PublishedKeys, published_keys
from hookagent.pipeline.nodes import Load, Reporter, Role, this_node
from hookagent.pipeline.passing import Target
from hookagent.pipeline.presence import announce, listener_url
from hookagent.pipeline.public import PublicFace
from hookagent.pipeline.reception import Reception
from hookagent.pipeline.rulebook import Rulebook, Turns, load_rulebook
from hookagent.pipeline.rulewatch import rule_changes
from hookagent.pipeline.staleness import Staleness
from hookagent.pipeline.statistics.keeper import keeper
from hookagent.pipeline.targets import tell
from hookagent.pipeline.upkeep import Upkeep
from hookagent.pipeline.worker import Worker
from hookagent.providers.detect import recognized
from hookagent.runtime.door import Door
from hookagent.runtime.opening import (
    bind,
    clock,
    entropy,
    keep_from_dry_run,
    made_outside,
    opened_store,
)
from hookagent.server.limits import Limits
from hookagent.server.listener import Listener, check_parser
from hookagent.store.base import Store

ANSWER_GRACE_S = 5.0
"""How long a stop waits for answers that wait for their commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the command line decides beyond the configuration."""

    role: Role = Role.ALL
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
        self._rulebook: Rulebook | None = None
        self._worker: Worker | None = None
        self._listener: Listener | None = None
        self._keys: PublishedKeys | None = None
        self._staleness: Staleness | None = None

    async def start(self) -> None:
        """Start everything; returns when requests are accepted. Raises HookagentError."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def _start(self) -> None:
        config, enter, role = self.config, self._stack.enter_async_context, self.choices.role
        if config.log.enabled:
            from hookagent.pipeline.logbook import Logbook

            self._background(Logbook(config, self.feed, clock).run(), "log")
        self._stack.push_async_callback(telemetry.begin(config, self.feed, clock))
        rulebook = load_rulebook(config.rules, config.folder, config.environment)
        self._check(rulebook)
        self._rulebook = rulebook
        store = await enter(opened_store(config, role))
        if self.choices.dry_run:
            await keep_from_dry_run(store)
        allows = None if self.choices.dry_run else self._allowance.allows
        outside = await enter(made_outside(config, self._own, self.feed, allows))
        owner = new_id("agent", clock(), entropy())
        desk: Worker | Reception = Reception(owner)
        if role is not Role.RECEIVE:
            desk = self._worker = self._make_worker(store, outside, owner)
            self._worker.use(rulebook)
        outside.memory = store
        outside.emit = emitter(store, desk, self.feed, clock=clock, entropy=entropy)
        counting = keeper(config, store, self.feed, clock)
        self._background(counting.run(), "statistics")
        if role is not Role.WORK:
            self._listener = await self._listen(store, outside, desk)
        if self.choices.with_inspector:
            from hookagent.server.inspector import Inspector, Parts

            server = config.server
            usual = listener_url(config.state_folder, server.host, server.port)
            parts = Parts(
                config=config,
                store=store,
                feed=self.feed,
                public=self.public,
                rulebook=lambda: self._rulebook,
                breakers=lambda: circuits(outside),
                clock=clock,
                listener=self.listener_url or server.public_url or usual,
                listens=self._listener is not None,
                uncounted=counting.current,
            )
            self.inspector_url = await enter(Inspector(parts).serving())
        if self._worker is not None:
            await self._worker.start()
        self._keep_up(store, outside, owner)
        if self.choices.watch_rules and config.rules:
            self._background(self._watch_rules(), "rules")
        if self.choices.watch_rules and config.file is not None:
            self._staleness = Staleness(config.file, self.feed, clock)
            self._background(self._staleness.run(), "config")
        await self._say_ready(rulebook)

    def _make_worker(self, store: Store, outside: Outside, owner: str) -> Worker:
        return Worker(
            store,
            self.feed,
            outside,
            self.config.worker,
            dict(self.config.sources),
            owner=owner,
            clock=clock,
            dry_run=self.choices.dry_run,
        )

    async def _say_ready(self, rulebook: Rulebook) -> None:
        """Tell everybody, open the tunnel, and listen to the operating system."""
        url = self.config.server.public_url or self.listener_url
        self.feed.publish(
            Ready(
                at=clock(),
                listener=self.listener_url or None,
                inspector=self.inspector_url,
                public=self.config.server.public_url,
                sources=self.public.urls(url) if self._listener else {},
            )
        )
        if self.choices.forward is None:
            self.feed.publish(Rules(at=clock(), loaded=len(rulebook)))
        if self._listener is not None:
            tunnel = self.public.tunnel(self.listener_url, self._listener.probes)
            await self._stack.enter_async_context(tunnel)
        self._stack.callback(on_hangup(self.reload))
        readiness.tell(readiness.READY, os.environ)

    async def stop(self) -> None:
        """Stop cleanly: refuse new work, finish or park what runs, say what is left."""
        worker, listener = self._worker, self._listener
        readiness.tell(readiness.STOPPING, os.environ)
        running, grace_ms = worker.running if worker else 0, self.config.worker.grace_ms
        self.feed.publish(Stopping(at=clock(), running=running, grace_ms=grace_ms))
        if listener is not None:
            listener.stop_accepting()
            await listener.close(ANSWER_GRACE_S)
        left = await worker.stop() if worker else 0
        self.feed.publish(Stopped(at=clock(), left=left))
        await self._stack.aclose()

    def hurry(self) -> None:
        """Let a stop wait for nothing any more: what runs is parked as it is."""
        if self._listener is not None:
            self._listener.hurry()
        if self._worker is not None:
            self._worker.hurry()

    def _keep_up(self, store: Store, outside: Outside, owner: str) -> None:
        """Do what must be done beside the events: retention, watching, telling how it is."""
        config, duties = self.config, Duties(store, owner, clock)
        upkeep = Upkeep(store, config.store, clock)
        if self._worker is not None:
            self._background(duties.during(PRUNE, upkeep.run), "upkeep")
            self._watch(store, outside, duties)
            self._background(tell(config.state_folder, lambda: circuits(outside)), "targets")
        if config.watch.heartbeat_url:
            from hookagent.pipeline.heartbeat import Heartbeat

            watch = config.watch
            beats = (outside, store, self.feed)
            heart = Heartbeat(config.watch.heartbeat_url, watch.heartbeat_ms, beats, clock)
            self._background(heart.run(), "heartbeat")
        if store.is_shared:
            node = this_node(config, self.choices.role, owner, self.listener_url, clock())
            leases = self._worker.leases if self._worker else None
            self._background(Reporter(store, node, self._load, clock, leases).run(), "report")
            self._background(share(store, outside, clock), "breakers")

    def _load(self) -> Load:
        """Say how busy this node is."""
        worker, rulebook = self._worker, self._rulebook
        return Load(
            rules=rulebook.ruleset.version if rulebook else "",
            running=worker.running if worker else 0,
            waiting=worker.waiting if worker else 0,
        )

    def _watch(self, store: Store, outside: Outside, duties: Duties) -> None:
        """Notice silence and trouble: one node for all."""
        if not self.config.watch.enabled:
            return
        from hookagent.pipeline import watching
        from hookagent.pipeline.expiring import Expiring
        from hookagent.pipeline.following import Following

        assert outside.emit is not None
        assert self._worker is not None
        worker = self._worker
        expiring = Expiring(
            self.config,
            targets=lambda: certificates(outside),
            public_url=lambda: self.public.url,
            published=lambda: self._keys.documents() if self._keys else {},
        )
        self._stack.push_async_callback(expiring.close)
        parts = watching.Parts(
            config=self.config,
            store=store,
            feed=self.feed,
            emit=outside.emit,
            rulebook=lambda: self._rulebook,
            breakers=lambda: circuits(outside),
            clock=clock,
            disk_free=watching.free_below(self.config),
            ends=expiring.known,
        )

        async def watch() -> None:
            if not store.is_shared:
                watcher = watching.Watching(parts)
                worker.observe = watcher.saw
                worker.observe_done(watcher.done)
                await watcher.run()
                return
            since = await awake_since(store, clock())
            watcher = watching.Watching(dataclasses.replace(parts, awake_since=since))
            worker.observe_done(watcher.done)
            await asyncio.gather(
                watcher.run(), Following(store, watcher, worker.decoded, clock).run()
            )

        self._background(duties.during(WATCH, watch), "watch")

    def _check(self, rulebook: Rulebook) -> None:
        """Refuse what would start programs nobody allowed, where rules start any."""
        problems = self._allowance.tunnel_problems(self.config.tunnel)
        if not self.choices.dry_run and self.choices.role is not Role.RECEIVE:
            problems += self._allowance.problems(rulebook.ruleset)
        if problems:
            raise ConfigError(problems)

    async def _listen(self, store: Store, outside: Outside, desk: Worker | Reception) -> Listener:
        """Open the front door: that of the sources, or the one that passes everything on."""
        config, target, enter = self.config, self.choices.forward, self._stack.enter_async_context
        check_parser()
        self._keys = await enter(published_keys(config.sources.values(), outside))
        door = Door(
            config=config,
            store=store,
            feed=self.feed,
            keys=self._keys,
            replay_key=await common_key(store, config.state_folder),
            confirm=lambda url: self._background(self._fetch(outside, url), "confirm"),
        )
        ingest: Ingest
        if target is None:
            ingest = door.for_sources(desk)
        else:
            await asyncio.to_thread(recognized, RawRequest())  # the first sender need not wait
            ingest = passing = door.for_passing(target, await enter(Sender()), desk.owner)
            self._stack.push_async_callback(passing.settle)
        limits = Limits(config.server, behind_tunnel=config.tunnel.provider != "none")
        listener = Listener(ingest, limits, clock=clock, base_url=lambda: self.public.url or "")
        self.listener_url = await bind(listener, config.server.host, config.server.port)
        self._stack.push_async_callback(listener.close, ANSWER_GRACE_S)
        present = announce(config.state_folder, self.listener_url, passes_on=target is not None)
        self._stack.callback(present.unlink, missing_ok=True)
        return listener

    async def _fetch(self, outside: Outside, url: str) -> None:
        """Fetch an address that a handshake asks us to confirm; its host is pinned already."""
        self.feed.publish(Logged(at=clock(), line=await confirm(outside, url)))

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

    async def _watch_rules(self) -> None:
        """Reload rules when their files change; a broken edit leaves the last good set.

        A command that was refused may be allowed at any time: the registry counts as such a file.
        """
        async for _ in rule_changes(self.config.rules, users_registry().file):
            await self.reload()

    async def reload(self) -> None:
        """Read the rules again and use them if they are good; say what else has changed."""
        config = self.config
        if self._staleness is not None:
            await self._staleness.look()
        try:
            rulebook: Rulebook = await asyncio.to_thread(
                load_rulebook, config.rules, config.folder, config.environment, Turns()
            )
            self._check(rulebook)
        except ConfigError as error:
            kept = len(self._rulebook) if self._rulebook else 0
            problems = [str(problem) for problem in error.problems]
            self.feed.publish(Rules(at=clock(), loaded=kept, problems=problems, kept=True))
            return
        self._rulebook = rulebook
        if self._worker is not None:
            self._worker.use(rulebook)
        self.feed.publish(Rules(at=clock(), loaded=len(rulebook)))
