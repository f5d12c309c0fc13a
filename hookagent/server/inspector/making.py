"""Rules from the page: drafted from an event, tried against the past, and saved.

What can be saved is narrow: a new file with rules whose only actions write to the log or wait, and
no `${VARIABLE}`. Whoever gets hold of the interface must not gain a way to run programs, to call
out or to read the environment (SECURITY I8). For everything else the page gives the text to paste.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from hookagent.actions import registry
from hookagent.errors import AnswerNo, NotFound, UsageError, did_you_mean
from hookagent.event import Event
from hookagent.lookup import PathError
from hookagent.pipeline.history import decoded, history
from hookagent.pipeline.rulebook import rule_files
from hookagent.redact import is_sensitive
from hookagent.rules.backtest import backtest
from hookagent.rules.explain import explain
from hookagent.rules.index import Matcher
from hookagent.rules.model import RuleSet
from hookagent.rules.parse import read_rules
from hookagent.rules.shown import paths
from hookagent.rules.testing import run_tests
from hookagent.rules.write import rule_from_event, rule_name
from hookagent.server.inspector.answers import json
from hookagent.server.inspector.asking import asked, event_filter, event_or_fail
from hookagent.server.inspector.parts import PARTS, Parts

SAVABLE = frozenset({"log", "delay"})
"""Actions a rule saved from the page may have: they touch nothing outside."""
TRIED_MAX = 2_000
"""Stored events a text is tried against."""
IDS_MAX = 50
"""Events named for each rule."""
TEXT_MAX = 100_000
VARIABLE = "${"
DRAFT = "draft.toml"


class Draft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule to be written from an event."""

    event: str
    fields: list[str] = []
    """Paths whose values must be as in this event."""
    name: str = ""
    about: str = ""


class Trial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules as text, and which stored events to play to them."""

    text: str
    source: str = ""
    since: str = ""
    event: str = ""
    """One event whose explanation is wanted as well."""


class Save(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules as text, and the new file's name without `.toml`."""

    name: str
    text: str


async def draft(request: web.Request) -> web.Response:
    """Write a rule that fires for events like this one in some fields."""
    parts = request.app[PARTS]
    wanted = await asked(request, Draft)
    record = await event_or_fail(parts.store, wanted.event)
    event = decoded(record.event, parts.config.sources)
    secret = [path for path in wanted.fields if path.startswith("@") and is_sensitive(path)]
    if secret:
        raise UsageError(f"`{secret[0][:80]}` holds a secret, which a rule must not")
    name = rule_name(wanted.name or "-".join(filter(None, (event.source, event.type))))
    try:
        text = rule_from_event(event, wanted.fields, name=name, about=wanted.about)
    except PathError as error:
        hint = did_you_mean(wanted.fields[-1], paths(event.payload))
        raise UsageError(str(error), hint=hint) from None
    return json({"name": name, "text": text})


async def tried(request: web.Request) -> web.Response:
    """Play stored events to rules as text; nothing acts."""
    parts = request.app[PARTS]
    wanted = await asked(request, Trial)
    ruleset = read(wanted.text)
    found = await past(parts, wanted)
    one = await _one(parts, wanted.event)
    return json(await asyncio.to_thread(trial_document, ruleset, found, one))


def read(text: str) -> RuleSet:
    """Read rules as text. Raises ConfigError with every problem, UsageError where it is too long.

    Variables are left alone: their values are not for the page.
    """
    if len(text) > TEXT_MAX:
        raise UsageError(f"the text is longer than {TEXT_MAX} characters")
    return read_rules([(DRAFT, text)], check_step=registry.check_step)


async def past(parts: Parts, wanted: Trial) -> list[Event]:
    """Return the events to try, the latest of them."""
    query = {"source": wanted.source, "since": wanted.since}
    chosen = msgspec.structs.replace(event_filter(query, parts.clock()), limit=TRIED_MAX)
    return [event async for event in history(parts.store, parts.config.sources, chosen)]


async def _one(parts: Parts, event_id: str) -> Event | None:
    if not event_id:
        return None
    record = await event_or_fail(parts.store, event_id)
    return decoded(record.event, parts.config.sources)


def trial_document(ruleset: RuleSet, events: list[Event], one: Event | None) -> dict[str, Any]:
    """Return how often each rule would have fired, its own cases, and why for one event."""
    report = backtest(ruleset, events, match=Matcher(ruleset).match)
    return {
        "events": report.events,
        "rules": [
            {
                "rule": rule.rule,
                "matched": rule.matched,
                "fired": rule.fired,
                "latest": [act.event for act in rule.acts[::-1] if act.event][:IDS_MAX],
            }
            for rule in report.rules
        ],
        "cases": [
            {"rule": case.rule, "passed": case.passed, "problems": case.problems}
            for case in run_tests(ruleset)
        ],
        "explained": [msgspec.to_builtins(explain(rule, one)) for rule in ruleset.rules]
        if one
        else [],
        "actions": sorted({step.action for rule in ruleset.rules for step in rule.do}),
    }


async def save(request: web.Request) -> web.Response:
    """Write rules into a new file; the agent takes them up as any edit."""
    parts = request.app[PARTS]
    wanted = await asked(request, Save)
    ruleset = read(wanted.text)
    check_savable(ruleset, wanted.text)
    path = folder(parts) / f"{rule_name(wanted.name)}.toml"
    await asyncio.to_thread(_write, parts, path, wanted.text)
    name = path.relative_to(parts.config.folder) if _is_ours(parts, path) else path.name
    return json({"file": str(name), "rules": [rule.name for rule in ruleset.rules]}, 201)


def check_savable(ruleset: RuleSet, text: str) -> None:
    """Refuse what the page may not write. Raises UsageError."""
    actions = {step.action for rule in ruleset.rules for step in rule.do} - SAVABLE
    hint = "copy the text into a file of your rules folder yourself"
    if actions:
        raise UsageError(f"the page does not save rules with `{min(actions)}` actions", hint=hint)
    if VARIABLE in text:
        raise UsageError("the page does not save rules that name variables", hint=hint)
    if not ruleset.rules:
        raise UsageError("there is no rule in the text")


def folder(parts: Parts) -> Path:
    """Return where new rule files go. Raises NotFound where no folder is configured."""
    for place in parts.config.rules:
        if place.is_dir() or not place.suffix:
            return place
    raise NotFound("no folder of rules is configured", hint='add: rules = ["rules"]')


def _is_ours(parts: Parts, path: Path) -> bool:
    return path.is_relative_to(parts.config.folder)


def _write(parts: Parts, path: Path, text: str) -> None:
    """Write the new file if it fits the others. Raises ConfigError where it does not."""
    existing = rule_files(parts.config.rules)
    taken = AnswerNo(f"there is a file `{path.name}` already", hint="choose another name")
    if path in existing:
        raise taken
    texts = [(str(one), one.read_text("utf-8")) for one in existing]
    read_rules([*texts, (path.name, text)], check_step=registry.check_step)
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise taken from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text if text.endswith("\n") else text + "\n")


ROUTES = (
    web.post("/api/rules/draft", draft),
    web.post("/api/rules/try", tried),
    web.post("/api/rules/save", save),
)
