"""Numbers for Prometheus, fed by what happens and completed from the store when they are read.

A registry of its own, so that two agents in one process (and tests) do not share counts. Labels
are names of the configuration, never of a request: a stranger cannot make new series. A source,
rule or action beyond `LABELS_MAX` counts as `other`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from statistics import median

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hookagent.config.model import Config
from hookagent.pipeline.expecting import overdue
from hookagent.pipeline.feed import Delivered, Feed, Happening, Matched, Ran, Tunnel
from hookagent.store.base import Store, StoreUnavailable
from hookagent.version import hookagent_version
from hookagent.watch.builtin import SKEW_LEAST

LABELS_MAX = 1_000
COUNTED_MAX = 10_000
"""Waiting runs that are remembered."""
OTHER = "other"
ACCEPT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
RUN_BUCKETS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400)
TUNNEL_UP = frozenset({"up", "changed"})


class Metrics:
    """Every number, and what moves it."""

    def __init__(self, config: Config, store: Store, clock: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self._config = config
        self._store = store
        self._clock = clock
        self._provider = config.tunnel.provider
        self._known: dict[str, set[str]] = {"source": set(config.sources)}
        self._counted: dict[str, int] = {}
        """How many tries of a waiting run are counted already."""
        self._offsets: dict[str, deque[int]] = {}
        """Milliseconds by which the latest signed times were ahead, by source."""
        self._declare()
        self.build.labels(version=hookagent_version()).set(1)

    def _declare(self) -> None:
        registry = self.registry
        self.received = Counter(
            "hookagent_events_received",
            "Deliveries that were answered, by what came of them.",
            ("source", "verdict"),
            registry=registry,
        )
        self.rejected = Counter(
            "hookagent_events_rejected",
            "Deliveries that were refused, by reason.",
            ("source", "reason"),
            registry=registry,
        )
        self.duplicates = Counter(
            "hookagent_duplicates", "Redeliveries.", ("source",), registry=registry
        )
        self.accepting = Histogram(
            "hookagent_accept_seconds",
            "From a request's last byte to its answer.",
            ("source",),
            buckets=ACCEPT_BUCKETS,
            registry=registry,
        )
        self.processing = Histogram(
            "hookagent_event_processing_seconds",
            "From an event's arrival to the end of a run for it.",
            ("source",),
            buckets=RUN_BUCKETS,
            registry=registry,
        )
        self.matches = Counter(
            "hookagent_rule_matches", "Runs that began, by rule.", ("rule",), registry=registry
        )
        self.attempts = Counter(
            "hookagent_action_attempts",
            "Tries of steps, by action and outcome.",
            ("action", "outcome"),
            registry=registry,
        )
        self.durations = Histogram(
            "hookagent_action_duration_seconds",
            "How long a try of a step took.",
            ("action",),
            buckets=RUN_BUCKETS[:9],
            registry=registry,
        )
        self.outcomes = Counter(
            "hookagent_run_outcomes",
            "Runs that came to a stop: done, waiting for the next try, dead.",
            ("rule", "state"),
            registry=registry,
        )
        self.dead = Counter("hookagent_dead_letters", "Runs that died.", registry=registry)
        self.reconnects = Counter(
            "hookagent_tunnel_reconnects", "Times the tunnel was lost.", registry=registry
        )
        self._declare_gauges()

    def _declare_gauges(self) -> None:
        registry = self.registry
        self.tunnel = Gauge(
            "hookagent_tunnel_up", "1 while the tunnel is up.", ("provider",), registry=registry
        )
        self.last = Gauge(
            "hookagent_last_event_timestamp_seconds",
            "When the latest event of a source came; from the store, so a restart keeps it.",
            ("source",),
            registry=registry,
        )
        self.queue = Gauge(
            "hookagent_retry_queue_size", "Runs that wait for their next try.", registry=registry
        )
        self.unrouted = Gauge(
            "hookagent_unrouted_events", "Stored events not yet matched.", registry=registry
        )
        self.oldest = Gauge(
            "hookagent_oldest_pending_seconds",
            "How long the oldest stored event has waited to be matched.",
            registry=registry,
        )
        self.runs = Gauge("hookagent_runs", "All runs by state.", ("state",), registry=registry)
        self.events = Gauge("hookagent_events_stored", "Events kept.", registry=registry)
        self.size = Gauge("hookagent_store_bytes", "The store's size.", registry=registry)
        self.skew = Gauge(
            "hookagent_signature_clock_skew_seconds",
            "How far the signed times of a source's latest genuine deliveries are ahead of ours.",
            ("source",),
            registry=registry,
        )
        self.overdue = Gauge(
            "hookagent_expectation_overdue",
            "1 while what is expected has not come; for a pair, how many ends are missing.",
            ("name",),
            registry=registry,
        )
        self.build = Gauge(
            "hookagent_build_info", "1, with the version.", ("version",), registry=registry
        )

    async def run(self, feed: Feed) -> None:
        """Count until cancelled."""
        if self._provider != "none":
            self.tunnel.labels(provider=self._provider).set(0)
        subscription = feed.subscribe()
        try:
            while news := await subscription.batch():
                for one in news:
                    self.count(one)
                await asyncio.sleep(0)
        finally:
            feed.unsubscribe(subscription)

    def count(self, one: Happening) -> None:
        """Move what one happening moves."""
        match one:
            case Delivered():
                self._delivered(one)
            case Matched(rules=rules):
                for rule in rules:
                    self.matches.labels(rule=self._label("rule", rule)).inc()
            case Ran():
                self._ran(one)
            case Tunnel(state=state):
                self.tunnel.labels(provider=self._provider).set(state in TUNNEL_UP)
                if state == "reconnecting":
                    self.reconnects.inc()
            case _:
                pass

    def _delivered(self, one: Delivered) -> None:
        source = self._label("source", one.source)
        self.received.labels(source=source, verdict=one.outcome).inc()
        self.accepting.labels(source=source).observe(one.ms / 1000)
        if one.skew is not None and one.origin == "live":
            offsets = self._offsets.setdefault(source, deque(maxlen=SKEW_LEAST))
            offsets.append(one.skew)
            self.skew.labels(source=source).set(median(offsets) / 1000)
        if one.outcome == "duplicate":
            self.duplicates.labels(source=source).inc()
        if one.outcome == "rejected":
            self.rejected.labels(source=source, reason=self._label("reason", one.code)).inc()

    def _ran(self, one: Ran) -> None:
        rule = self._label("rule", one.rule)
        self.outcomes.labels(rule=rule, state=one.state).inc()
        self._tried(one)
        if one.state == "dead":
            self.dead.inc()
        if one.state in {"done", "dead"}:
            source = self._label("source", one.source)
            self.processing.labels(source=source).observe(one.ms / 1000)

    def _tried(self, one: Ran) -> None:
        """Count the tries that were not counted when the run was last told of."""
        counted = self._counted.pop(one.run, 0)
        for tried in one.tried[counted:]:
            action = self._label("action", tried.action)
            self.attempts.labels(action=action, outcome=tried.outcome).inc()
            self.durations.labels(action=action).observe(tried.ms / 1000)
        if one.state in {"waiting", "dead"}:  # it may be told of again
            self._counted[one.run] = len(one.tried)
            if len(self._counted) > COUNTED_MAX:
                del self._counted[next(iter(self._counted))]

    def _label(self, kind: str, name: str) -> str:
        """Return the name, or `other` once there are too many of the kind."""
        known = self._known.setdefault(kind, set())
        if name not in known:
            if kind == "source" or len(known) >= LABELS_MAX:
                return OTHER
            known.add(name)
        return name

    async def collected(self) -> CollectorRegistry:
        """Return the registry, its gauges as the store says now."""
        try:
            found = await self._store.stats(since=self._clock())
            missing = await overdue(self._config, self._store)
        except StoreUnavailable:
            return self.registry
        for name, number in missing.items():
            self.overdue.labels(name=name).set(number)
        for one in found.sources:
            if one.last_received_at:
                label = self._label("source", one.source)
                self.last.labels(source=label).set(one.last_received_at / 1000)
        for state in ("pending", "running", "waiting", "done", "dead", "discarded"):
            self.runs.labels(state=state).set(found.runs.get(state, 0))
        self.queue.set(found.runs.get("waiting", 0))
        self.unrouted.set(found.unrouted)
        waited = self._clock() - found.oldest_unrouted_at if found.oldest_unrouted_at else 0
        self.oldest.set(max(waited, 0) / 1000)
        self.events.set(found.events)
        self.size.set(found.size_bytes)
        return self.registry


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
