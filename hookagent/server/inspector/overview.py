"""The agent at a glance: sources with their recent past, queue, runs, breakers, rules, tunnel."""

from typing import Any

import msgspec
from aiohttp import web

from hookagent.config.model import Source
from hookagent.rules.model import Rule
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.looking import scheme_document
from hookagent.server.inspector.parts import PARTS, Parts
from hookagent.server.inspector.tail import TAIL
from hookagent.store.base import Minute, StoreStats
from hookagent.version import hookagent_version

MINUTE_MS = 60_000
SLICES = 12
"""Bars of a sparkline."""
SLICE_MS = 5 * MINUTE_MS
"""Time of one bar: together the last hour."""


def _empty() -> list[int]:
    return [0] * SLICES


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """One source in the last hour, oldest bar first."""

    events: list[int] = msgspec.field(default_factory=_empty)
    duplicates: list[int] = msgspec.field(default_factory=_empty)
    rejected: list[int] = msgspec.field(default_factory=_empty)


def bars(minutes: list[Minute], until: int) -> dict[str, Activity]:
    """Add minutes up into the bars that end with the minute of `until`."""
    end = until // MINUTE_MS * MINUTE_MS + MINUTE_MS
    found: dict[str, Activity] = {}
    for one in minutes:
        place = SLICES - 1 - (end - MINUTE_MS - one.at) // SLICE_MS
        if not 0 <= place < SLICES:
            continue
        activity = found.setdefault(one.source, Activity())
        activity.events[place] += one.events
        activity.duplicates[place] += one.duplicates
        activity.rejected[place] += one.rejected
    return found


async def overview(request: web.Request) -> web.Response:
    """Return everything a person looks at first."""
    parts = request.app[PARTS]
    now = parts.clock()
    hour = now - SLICES * SLICE_MS
    stats = await parts.store.stats(since=hour)
    activity = bars(await parts.store.activity(since=hour), now)
    book = parts.rulebook()
    return json(
        {
            "now": now,
            "version": hookagent_version(),
            "listener": parts.listener,
            "tunnel": tunnel_document(parts),
            "sources": _sources(parts, stats, activity),
            "slice_ms": SLICE_MS,
            "turned_away": sum(one.at >= hour for one in request.app[TAIL].turned_away),
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


ROUTES = (web.get("/api/overview", overview),)
