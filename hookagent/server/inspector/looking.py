"""A closer look at one event: why it is genuine or not, and why each rule fired or did not."""

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from hookagent.config.model import Config, Source
from hookagent.event import RawRequest
from hookagent.pipeline.comparing import differences, is_volatile
from hookagent.pipeline.history import decoded
from hookagent.providers.diagnose import Case, Other, diagnose
from hookagent.rules.explain import explain, nearest_first
from hookagent.rules.model import Rule
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.asking import event_or_fail
from hookagent.server.inspector.parts import PARTS
from hookagent.verdict import Verdict

RULES_MAX = 500
"""Rules explained for one event."""


async def verdict(request: web.Request) -> web.Response:
    """Explain the verdict of one event as its source is configured now."""
    parts = request.app[PARTS]
    record = await event_or_fail(parts.store, request.match_info["id"])
    event = record.event
    return json(verdict_document(parts.config, event.source, event.request, event.verdict))


async def rules(request: web.Request) -> web.Response:
    """Explain every rule for one event: those that match, then the nearest."""
    parts = request.app[PARTS]
    record = await event_or_fail(parts.store, request.match_info["id"])
    event = decoded(record.event, parts.config.sources)
    book = parts.rulebook()
    known = book.ruleset.rules if book else ()
    explained = [explain(rule, event) for rule in known]
    fired = [run.rule for run in record.runs]
    return json(
        {
            "rules": [msgspec.to_builtins(one) for one in nearest_first(explained)[:RULES_MAX]],
            "fired": fired,
            "unfired": {
                rule.name: unfired(rule, known, fired)
                for rule, one in zip(known, explained, strict=True)
                if one.matches and rule.name not in fired
            },
            "total": len(explained),
        }
    )


def unfired(rule: Rule, rules: Sequence[Rule], fired: Sequence[str]) -> str:
    """Say why a rule did not fire although its conditions hold; a guess where nothing tells."""
    if not rule.enabled:
        return "it is disabled"
    for earlier in itertools.takewhile(lambda one: one is not rule, rules):
        if earlier.stop and earlier.name in fired:
            return f"`{earlier.name}` stops the matching"
    if rule.fallback:
        return "it is a fallback, and another rule fits"
    if rule.is_over_time:
        return "it goes by several events, and this one was not enough or one too many"
    return "it was not there, or was another, when the event came"


async def compared(request: web.Request) -> web.Response:
    """Say where two events differ, by path; `volatile` is what differs every time."""
    store = request.app[PARTS].store
    one = await event_or_fail(store, request.query.get("a", ""))
    other = await event_or_fail(store, request.query.get("b", ""))
    found = differences(one.event.request, other.event.request)
    return json(
        {
            "a": one.event.id,
            "b": other.event.id,
            "differences": [
                {"path": p, "before": a, "after": b, "volatile": is_volatile(p, a, b)}
                for p, a, b in found
            ],
        }
    )


def verdict_document(
    config: Config, source_name: str, request: RawRequest, verdict: Verdict | None
) -> dict[str, Any]:
    """Return what is known of a verification, and what would mend a failed one."""
    shown: dict[str, Any] = {"verdict": None, "scheme": None, "diagnosis": None}
    if verdict is not None:
        told = msgspec.to_builtins(verdict)
        told.pop("content_key", None)
        signed_at = verdict.signed_at
        shown["verdict"] = told
        shown["skew_ms"] = None if signed_at is None else request.received_at - signed_at
    source = config.sources.get(source_name)
    if source is None:
        return shown
    shown["scheme"] = scheme_document(source)
    shown["secrets"] = len(source.secrets)
    if verdict is not None and source.is_verified:
        found = diagnose(case_of(config, source, request))
        shown["diagnosis"] = {
            "cause": str(found.cause),
            "evidence": found.evidence,
            "mend": found.mend,
            "source": found.source or None,
            "scheme": found.scheme or None,
            "secret_index": found.secret_index,
        }
    return shown


def case_of(config: Config, source: Source, request: RawRequest) -> Case:
    """Return what a diagnosis needs: the delivery, judged as it arrived."""
    others = tuple(
        Other(scheme=one.scheme, secrets=one.secrets, source=one.name)
        for one in config.sources.values()
        if one is not source
    )
    return Case(
        scheme=source.scheme,
        request=request,
        secrets=source.secrets,
        now=request.received_at,
        tolerance_ms=source.tolerance_ms,
        settings=source.settings,
        base_url=source.base_url or request.base_url,
        others=others,
    )


def scheme_document(source: Source) -> dict[str, Any]:
    """Return how a source's provider signs; no secret is part of it."""
    scheme = source.scheme
    stamp = scheme.timestamp
    return {
        "name": scheme.name,
        "provider": source.provider,
        "family": str(scheme.family),
        "algorithm": scheme.algorithm or scheme.strategy,
        "signature_in": str(scheme.place) if scheme.place.kind else None,
        "signed": scheme.signed.text,
        "timestamp_in": str(stamp.place) if stamp else None,
        "tolerance_ms": stamp.tolerance_ms if stamp else None,
        "integrity": str(scheme.integrity),
    }


ROUTES = (
    web.get("/api/events/{id}/verdict", verdict),
    web.get("/api/events/{id}/rules", rules),
    web.get("/api/diff", compared),
)
