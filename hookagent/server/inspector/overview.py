"""The agent at a glance: sources with their recent past, queue, runs, breakers, rules, tunnel."""

import asyncio
from typing import Any

import msgspec
from aiohttp import web

from hookagent.config.model import Source
from hookagent.rules.model import Rule
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.looking import scheme_document
from hookagent.server.inspector.parts import PARTS, Parts
from hookagent.store.base import SourceStats, Store, StoreStats
from hookagent.version import hookagent_version

MINUTE_MS = 60_000
SLICES = 12
"""Bars of a sparkline."""
SLICE_MS = 5 * MINUTE_MS
"""Time of one bar: together the last hour."""
KEPT_MS = 4_000
"""How long bars are shown before they are counted anew."""


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One source in the last hour, oldest bar first."""

    events: list[int]
    duplicates: list[int]
    rejected: list[int]


class Recent:
    """The bars of the last hour, counted at most every few seconds whoever asks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._at = -KEPT_MS
        self._activity: dict[str, Activity] = {}

    async def look(self, now: int) -> dict[str, Activity]:
        """Return the bars of each source."""
        async with self._lock:
            if now - self._at >= KEPT_MS:
                last = now // MINUTE_MS * MINUTE_MS + MINUTE_MS
                edges = [last - SLICE_MS * back for back in range(SLICES, 0, -1)]
                counted = [await self._store.stats(since=edge) for edge in edges]
                self._activity, self._at = bars(counted), now
            return self._activity


def bars(counted: list[StoreStats]) -> dict[str, Activity]:
    """Turn counts since ever later moments into counts between them."""
    by_source: dict[str, list[SourceStats]] = {}
    for stats in counted:
        for one in stats.sources:
            by_source.setdefault(one.source, []).append(one)
    return {
        name: Activity(
            events=_between([one.events for one in found]),
            duplicates=_between([one.duplicates for one in found]),
            rejected=_between([one.rejected for one in found]),
        )
        for name, found in by_source.items()
    }


def _between(since: list[int]) -> list[int]:
    return [max(a - b, 0) for a, b in zip(since, [*since[1:], 0], strict=True)]


async def overview(request: web.Request) -> web.Response:
    """Return everything a person looks at first."""
    parts = request.app[PARTS]
    now = parts.clock()
    stats = await parts.store.stats(since=now - SLICES * SLICE_MS)
    activity = await request.app[RECENT].look(now)
    book = parts.rulebook()
    return json(
        {
            "now": now,
            "version": hookagent_version(),
            "listener": parts.listener,
            "tunnel": tunnel_document(parts),
            "sources": _sources(parts, stats, activity),
            "slice_ms": SLICE_MS,
            "queue": {"unrouted": stats.unrouted, "oldest_at": stats.oldest_unrouted_at},
            "runs": stats.runs,
            "events": stats.events,
            "size_bytes": stats.size_bytes,
            "breakers": _breakers(parts),
            "rules": [rule_document(rule) for rule in book.ruleset.rules] if book else [],
        }
    )


def tunnel_document(parts: Parts) -> dict[str, Any]:
    """Return how the outside reaches the listener now."""
    return {
        "provider": parts.config.tunnel.provider,
        "state": parts.public.state,
        "url": parts.public.url,
    }


def _sources(
    parts: Parts, stats: StoreStats, activity: dict[str, Activity]
) -> list[dict[str, Any]]:
    known = {one.source: one for one in stats.sources}
    public = parts.public.urls(parts.public.url)
    return [
        source_document(source)
        | {
            "url": parts.listener + source.path,
            "public": public.get(name),
            "last_received_at": known[name].last_received_at if name in known else 0,
            "activity": msgspec.to_builtins(activity[name]) if name in activity else None,
        }
        for name, source in parts.config.sources.items()
    ]


def source_document(source: Source) -> dict[str, Any]:
    """Return a source without anything secret."""
    return {
        "name": source.name,
        "path": source.path,
        "methods": list(source.methods),
        "verified": source.is_verified,
        "scheme": scheme_document(source),
    }


def _breakers(parts: Parts) -> list[dict[str, Any]]:
    """Return breakers that keep calls away, or have counted failures."""
    return [
        {
            "target": target,
            "state": str(circuit.state),
            "failures": circuit.failures,
            "until": circuit.until,
        }
        for target, circuit in sorted(parts.breakers().items())
        if circuit.failures or str(circuit.state) != "closed"
    ]


def rule_document(rule: Rule) -> dict[str, Any]:
    """Return a rule as a list shows it."""
    return {
        "name": rule.name,
        "about": rule.about,
        "file": rule.file,
        "line": rule.line,
        "enabled": rule.enabled,
        "on": [str(pattern) for pattern in rule.on],
        "actions": [step.action for step in rule.do],
    }


RECENT: web.AppKey[Recent] = web.AppKey("recent", Recent)
ROUTES = (web.get("/api/overview", overview),)
