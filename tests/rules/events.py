"""Makes events for the tests of rules."""

from typing import Any

import msgspec

from hookagent.event import Event, Headers, RawRequest
from hookagent.eventfile import parse_time
from hookagent.rules.model import Rule, RuleSet
from hookagent.rules.parse import read_rules
from hookagent.verdict import Code, Integrity, Verdict

NOON = parse_time("2026-01-31T12:00:00Z")
"""When events arrive, unless a test says otherwise."""


def make_event(
    payload: Any = None,
    *,
    source: str = "github",
    type: str = "push",  # noqa: A002 - an event's word for it
    at: int = NOON,
    id: str = "evt_1",  # noqa: A002 - as above
) -> Event:
    """Make a genuine event."""
    request = RawRequest(
        target="/hooks?tag=x&tag=y",
        headers=Headers.of([("X-Test", "a"), ("X-Multi", "a"), ("X-Multi", "b")]),
        body=msgspec.json.encode(payload),
        client_ip="192.0.2.7",
        received_at=at,
    )
    verdict = Verdict(valid=True, scheme="github", code=Code.OK, integrity=Integrity.BODY)
    return Event(id=id, source=source, type=type, request=request, verdict=verdict, payload=payload)


STEP = '\n[[rule.r.do]]\naction = "log"\n'


def rules_of(text: str) -> RuleSet:
    """Read the text of one file."""
    return read_rules([("rules/test.toml", text)])


def rule_of(text: str) -> Rule:
    """Read `[rule.r]` and what stands below it, a step added."""
    return rules_of(f"[rule.r]\n{text}{STEP}").rules[0]


def rule_when(condition: str) -> Rule:
    """Read a rule with one line of conditions."""
    return rules_of(f"[rule.r]\n{STEP}\n[rule.r.when]\n{condition}\n").rules[0]
