"""Runs the `test` cases of rules: does it fire, and what would its actions send.

Pure: the caller says how to read an event that a case names (`load`) and what an action would send
(`would`). A case judges its own rule by itself, enabled or not; other rules' `stop` and `fallback`
play no part.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import msgspec

from hookagent.errors import HookagentError
from hookagent.event import Event, Headers, RawRequest
from hookagent.eventfile import parse_time
from hookagent.rules.changed import same
from hookagent.rules.evaluate import matches
from hookagent.rules.explain import Explanation, explain
from hookagent.rules.model import Case, Rule, RuleSet
from hookagent.rules.player import Fired, Player
from hookagent.rules.remembered import Firing
from hookagent.verdict import Code, Integrity, Verdict

RECEIVED_AT = parse_time("2026-01-28T12:00:00Z")
"""When a case's event arrives, unless it says otherwise: a Wednesday, at noon."""

Load = Callable[[Rule, Case], Event]
"""Reads the event a case names. Raises HookagentError where there is none."""
Would = Callable[[Rule, Event, Mapping[str, Any]], Mapping[str, Any]]
"""What each step, by name, would send for an event and the facts of a firing."""


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one case went."""

    rule: str
    file: str
    line: int
    about: str
    passed: bool
    fires: bool
    """Whether the rule fired."""
    problems: list[str]
    """What was not as the case says, a sentence each; empty when it passed."""
    explanation: Explanation | None = None
    """Why the rule fired or did not, where that was the problem."""


def run_tests(
    ruleset: RuleSet, load: Load | None = None, would: Would | None = None
) -> list[CaseResult]:
    """Run every case of every rule, in the order of the rules."""
    return [run_case(rule, case, load, would) for rule in ruleset.rules for case in rule.tests]


def run_case(
    rule: Rule,
    case: Case,
    load: Load | None = None,
    would: Would | None = None,
) -> CaseResult:
    """Run one case."""
    try:
        event = _event(rule, case, load)
        followed = None if case.then is None else _event(rule, case.then, load)
    except HookagentError as error:
        return _result(rule, case, fires=False, problems=[error.message])
    firing = play(rule, case, event, followed)
    fires = firing is not None
    if fires is not case.fires:
        wanted = "fire" if case.fires else "not fire"
        problems = [f"it was to {wanted}, and did{'' if fires else ' not'}"]
        return _result(rule, case, fires=fires, problems=problems, why=explain(rule, event))
    problems = []
    if firing is not None and case.sends and would is not None:
        problems = _sent_otherwise(case, would(rule, followed or event, firing.facts))
    return _result(rule, case, fires=fires, problems=problems)


def _result(
    rule: Rule,
    case: Case,
    *,
    fires: bool,
    problems: list[str],
    why: Explanation | None = None,
) -> CaseResult:
    return CaseResult(
        rule=rule.name,
        file=rule.file,
        line=case.line,
        about=case.about,
        passed=not problems,
        fires=fires,
        problems=problems,
        explanation=why,
    )


def play(rule: Rule, case: Case, event: Event, followed: Event | None) -> Firing | None:
    """Let a case's events arrive; return how the rule fired for the last one, if it did."""
    alone = RuleSet(rules=(replace(rule, enabled=True),))
    player = Player(alone, lambda it: alone.rules if matches(rule, it) else ())
    fired: list[Fired] = []
    at = event.received_at
    for number in range(case.repeat):
        fired = player.event(_moved(event, at + number * case.every_ms, number))
    last = at + (case.repeat - 1) * case.every_ms
    if followed is not None:
        last += case.after_ms
        fired = player.event(_moved(followed, last, case.repeat))
    fired += player.finish()
    return next((firing for _, firing in fired if firing.at >= last), None)


def _moved(event: Event, at: int, number: int) -> Event:
    request = msgspec.structs.replace(event.request, received_at=at)
    return msgspec.structs.replace(event, id=f"{event.id}-{number}", request=request)


def _event(rule: Rule, case: Case, load: Load | None) -> Event:
    if not case.event:
        return event_of(case)
    if load is None:
        raise HookagentError(f"there is nobody to read the event `{case.event}`")
    return load(rule, case)


def event_of(case: Case) -> Event:
    """Make the event of a case that holds its payload."""
    query = urlencode(case.query)
    headers = {"Content-Type": "application/json", **case.headers}
    request = RawRequest(
        method=case.method,
        target=case.path + (f"?{query}" if query else ""),
        headers=Headers.of(headers),
        body=msgspec.json.encode(case.payload),
        received_at=RECEIVED_AT if case.received_at is None else case.received_at,
        client_ip=case.client_ip,
    )
    verdict = Verdict(valid=True, scheme="test", code=Code.OK, integrity=Integrity.BODY)
    return Event(
        id="evt_test",
        source=case.source,
        type=case.type,
        request=request,
        verdict=verdict,
        payload=case.payload,
    )


def _sent_otherwise(case: Case, sent: Mapping[str, Any]) -> list[str]:
    problems = []
    for step, wanted in case.sends.items():
        if step not in sent:
            problems.append(f"there is no step `{step}`")
        elif _is_unmade(sent[step]) and "needs" not in wanted:
            problems.append(f"step `{step}` sends nothing: {sent[step]['needs']}")
        else:
            problems += [f"step `{step}`: {it}" for it in differences(wanted, sent[step])]
    return problems


def _is_unmade(told: Any) -> bool:
    """Whether a step could not be made up, as `would` tells of one that lacks a field."""
    return isinstance(told, dict) and told.keys() == {"action", "needs"}


def differences(wanted: Any, actual: Any, path: str = "") -> list[str]:
    """Say where a value is not as wanted; tables need only name a part of what is there.

    A text that holds JSON, such as the body of a request, is opened for a table or a list.
    """
    if isinstance(wanted, dict | list) and isinstance(actual, str):
        actual = _opened(actual)
    if isinstance(wanted, dict) and isinstance(actual, dict):
        found = []
        for name, part in wanted.items():
            inner = f"{path}.{name}" if path else name
            if name in actual:
                found += differences(part, actual[name], inner)
            else:
                found.append(f"`{inner}` is not sent")
        return found
    if same(wanted, actual):
        return []
    return [f"`{path}` is {_json(actual)}, not {_json(wanted)}"]


def _opened(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return text


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
