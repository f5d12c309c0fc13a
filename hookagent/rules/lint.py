"""Rules that are valid but hardly what was meant: a pure look at a rule set and what is known.

Each finding is a warning with its place, a reason and a way to mend it. A comment
`# hookagent: ignore CODE reason` above or in a rule silences a code for that rule. `CODES` says
what there is; each is one function.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from hookagent.errors import Problem, Severity, did_you_mean
from hookagent.lookup import format_path
from hookagent.rules.model import Condition, Group, Pattern, Predicate, Rule, RuleSet
from hookagent.rules.observed import Observed
from hookagent.rules.patterns import fits_glob
from hookagent.rules.references import conditions, references
from hookagent.subject import Reference
from hookagent.verdict import Integrity

POWERFUL = frozenset({"exec", "agent", "python"})
"""Actions that run what an event can influence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known beyond the rules; what is not known is not judged."""

    sources: Mapping[str, Integrity] | None = None
    """Every configured source, and what its verification covers."""
    observed: Observed = field(default_factory=dict)


Finding = tuple[Rule | None, int, str, str]
"""Rule, line (0: the rule's own), message, hint."""
Check = Callable[[RuleSet, Known], Iterator[Finding]]


def lint(ruleset: RuleSet, known: Known | None = None) -> list[Problem]:
    """Return every finding that no comment silences, in the order of the files."""
    found = []
    for code, check in CODES.items():
        for rule, line, message, hint in check(ruleset, known or Known()):
            if rule is None or code not in rule.ignores:
                found.append(_problem(code, rule, line, message, hint))
    return sorted(found, key=lambda it: (it.file or "", it.line or 0, it.code))


def _problem(code: str, rule: Rule | None, line: int, message: str, hint: str) -> Problem:
    return Problem(
        code=code,
        message=message,
        file=rule.file if rule else None,
        line=(line or rule.line) if rule else None,
        hint=hint,
        severity=Severity.WARNING,
    )


def _enabled(ruleset: RuleSet) -> list[Rule]:
    return [rule for rule in ruleset.rules if rule.enabled]


def shadowed(ruleset: RuleSet, _known: Known) -> Iterator[Finding]:
    """Find rules that a rule before them with `stop` always takes the event from."""
    stopping: list[Rule] = []
    for rule in _enabled(ruleset):
        for earlier in stopping:
            if earlier.fallback is rule.fallback and _covers(earlier, rule):
                yield (
                    rule,
                    0,
                    f"`{rule.name}` is never reached: `{earlier.name}` takes all its events",
                    f"give it a higher priority, or remove `stop` from `{earlier.name}`",
                )
                break
        if rule.stop:
            stopping.append(rule)


def _covers(wider: Rule, narrower: Rule) -> bool:
    """Whether every event of one rule is surely one of the other's too."""
    return (
        _covers_patterns(wider.on, narrower.on)
        and (wider.during is None or wider.during == narrower.during)
        and set(wider.when) <= set(narrower.when)
        and (not wider.any or set(map(frozenset, wider.any)) == set(map(frozenset, narrower.any)))
        and set(map(frozenset, wider.unless)) <= set(map(frozenset, narrower.unless))
    )


def _covers_patterns(wider: tuple[Pattern, ...], narrower: tuple[Pattern, ...]) -> bool:
    if not wider:
        return True
    return bool(narrower) and all(any(_covers_pattern(w, n) for w in wider) for n in narrower)


def _covers_pattern(wider: Pattern, narrower: Pattern) -> bool:
    return all(
        one in {other, "*"} or (not _is_glob(other) and fits_glob(one, other))
        for one, other in ((wider.source, narrower.source), (wider.type, narrower.type))
    )


def _is_glob(text: str) -> bool:
    return any(character in "*?[\\" for character in text)


def contradictory(ruleset: RuleSet, _known: Known) -> Iterator[Finding]:
    """Find rules whose conditions exclude each other."""
    for rule in _enabled(ruleset):
        for group in (rule.when, *(group for group in rule.any if rule.any)):
            is_needed = group is rule.when or len(rule.any) == 1
            conflict = _conflict(group if group is rule.when else (*rule.when, *group))
            if conflict:
                what = f"`{rule.name}` can never match" if is_needed else "this group never holds"
                line, reason = conflict
                yield rule, line, f"{what}: {reason}", "remove one of the two conditions"
                break
        for group in rule.unless:
            if group and set(group) <= set(rule.when):
                yield (
                    rule,
                    group[0].line,
                    f"`{rule.name}` can never match: `unless` asks for what `when` needs",
                    "remove it from one of them",
                )


def _conflict(group: Group) -> tuple[int, str] | None:
    by_reference: dict[Reference, list[Condition]] = {}
    for condition in group:
        by_reference.setdefault(condition.reference, []).append(condition)
    for reference, asked in by_reference.items():
        for condition in asked:
            for other in asked:
                if other is not condition and _exclude(condition, other):
                    return condition.line, f"`{reference}` cannot be both"
    return None


def _exclude(one: Condition, other: Condition) -> bool:
    """Whether two conditions on one path cannot both hold, whatever the event."""
    first, second = one.predicate, other.predicate
    if first.op == "exists" and first.argument is False:
        return not (second.op == "exists" and second.argument is False)
    if first.op in {"null", "changed"} and second.op == first.op:
        return first.argument != second.argument
    if first.op == "not" and isinstance(first.argument, tuple) and len(first.argument) == 1:
        return _is_within(second, first.argument[0].predicate)
    return False


def _is_within(one: Predicate, other: Predicate) -> bool:
    """Whether whatever meets one predicate meets the other, as far as a glance can tell."""
    if one == other:
        return True
    if one.op not in {"eq", "in"} or other.op != "in":
        return False
    wanted = one.argument if one.op == "in" else frozenset({one.argument})
    allowed = other.argument
    return isinstance(wanted, frozenset) and isinstance(allowed, frozenset) and wanted <= allowed


def duplicates(ruleset: RuleSet, _known: Known) -> Iterator[Finding]:
    """Find rules that take the same events and do the same."""
    seen: dict[object, Rule] = {}
    for rule in _enabled(ruleset):
        asks = (
            frozenset(rule.on),
            frozenset(rule.when),
            frozenset(map(frozenset, rule.any)),
            frozenset(map(frozenset, rule.unless)),
            rule.during,
        )
        for step in rule.do:
            earlier = seen.setdefault((asks, step.action, repr(step.options)), rule)
            if earlier is not rule:
                yield (
                    rule,
                    step.line,
                    f"`{rule.name}` does the same for the same events as `{earlier.name}`",
                    "remove one of the two, or say `stop = true` in the first",
                )


OWN_SOURCES = ("hookagent", "internal")
"""Sources of events that hookagent itself makes: by the `emit` action, and of its own state."""


def unknown_sources(ruleset: RuleSet, known: Known) -> Iterator[Finding]:
    """Find `on` patterns that no configured source fits."""
    if known.sources is None:
        return
    for rule in _enabled(ruleset):
        followed = rule.follow.on if rule.follow else ()
        for pattern in (*rule.on, *followed):
            there = (*known.sources, *OWN_SOURCES)
            if not any(fits_glob(pattern.source, source) for source in there):
                hint = did_you_mean(pattern.source, known.sources)
                message = f"`{pattern}`: there is no source `{pattern.source}`"
                yield rule, 0, message, hint or "name a source of hookagent.toml"


def unseen_fields(ruleset: RuleSet, known: Known) -> Iterator[Finding]:
    """Find paths that no event the rule could match ever had."""
    for rule in _enabled(ruleset):
        kinds = [it for it in known.observed.values() if _takes(rule.on, it.source, it.type)]
        count = sum(kind.count for kind in kinds)
        if count < EVIDENCE_MIN or any(kind.is_full for kind in kinds):
            continue
        had = {path for kind in kinds for path in kind.paths}
        for condition in conditions(rule):
            path = _seen_as(condition.reference)
            if path and path not in had and not _asks_for_absence(condition):
                hint = did_you_mean(path, had)
                is_near = hint is not None and hint.startswith("did")
                message = f"`{condition.reference}` was in none of {count} events of the past"
                yield rule, condition.line, message, hint if is_near and hint else UNSEEN_HINT


EVIDENCE_MIN = 3
"""Fewer events say little of what the next one holds."""
UNSEEN_HINT = "hookagent inspect ID shows what an event holds"


def _seen_as(reference: Reference) -> str:
    """Return a payload path as `observe` writes it: without places in lists."""
    if not reference.is_payload:
        return ""
    return format_path(tuple(step for step in reference.path if isinstance(step, str)))


def _asks_for_absence(condition: Condition) -> bool:
    return condition.predicate.op == "exists" and condition.predicate.argument is False


def _takes(patterns: tuple[Pattern, ...], source: str, type_: str) -> bool:
    return not patterns or any(
        fits_glob(pattern.source, source) and fits_glob(pattern.type, type_) for pattern in patterns
    )


def unsigned_fields(ruleset: RuleSet, known: Known) -> Iterator[Finding]:
    """Find conditions on values that the source's signature does not cover."""
    for rule in _enabled(ruleset):
        covers = {integrity for _, integrity in _sources(rule, known)}
        unsigned = _unsigned_areas(covers)
        for reference in sorted(references(rule), key=str):
            if reference.area in unsigned:
                what = reference.text
                yield (
                    rule,
                    _line_of(rule, reference),
                    f"`{what}` is not covered by the signature: whoever replays can change it",
                    "decide by a field of the signed body, or ignore this with a reason",
                )


def _unsigned_areas(covers: set[Integrity]) -> set[str]:
    if Integrity.ORIGIN in covers:
        return {"", "headers", "query"}
    return {"headers", "query"} if Integrity.BODY in covers else set()


def _line_of(rule: Rule, reference: Reference) -> int:
    found = (it.line for it in conditions(rule) if it.reference == reference)
    return next(found, 0)


def _sources(rule: Rule, known: Known) -> Iterable[tuple[str, Integrity]]:
    """Yield the configured sources a rule could take events from."""
    for source, integrity in (known.sources or {}).items():
        if not rule.on or any(fits_glob(pattern.source, source) for pattern in rule.on):
            yield source, integrity


def unverified_power(ruleset: RuleSet, known: Known) -> Iterator[Finding]:
    """Find commands and agents that anybody could set off."""
    for rule in _enabled(ruleset):
        open_to_all = [name for name, it in _sources(rule, known) if it is Integrity.NONE]
        for step in rule.do:
            if open_to_all and step.action in POWERFUL:
                yield (
                    rule,
                    step.line,
                    f"`{step.action}` runs for events of `{open_to_all[0]}`, which is not verified",
                    f"give the source a scheme, or leave `{open_to_all[0]}` out of `on`",
                )


def unsigned_agents(ruleset: RuleSet, known: Known) -> Iterator[Finding]:
    """Find agents that would refuse events of a source, since their body is not signed."""
    for rule in _enabled(ruleset):
        found = [name for name, it in _sources(rule, known) if it in _PARTLY]
        for step in rule.do:
            if found and step.action == "agent" and not step.options.get("allow_unverified"):
                yield (
                    rule,
                    step.line,
                    f"`agent` refuses events of `{found[0]}`: no signature covers their body",
                    f"leave `{found[0]}` out of `on`, or set `allow_unverified = true`",
                )


_PARTLY = frozenset({Integrity.TOKEN, Integrity.ORIGIN})


def unchecked_answers(ruleset: RuleSet, _known: Known) -> Iterator[Finding]:
    """Find steps that act on what a model wrote freely, with no person between."""
    for rule in _enabled(ruleset):
        for place, step in enumerate(rule.do):
            is_held = "schema" in step.options or step.options.get("approve") == "always"
            if step.action != "agent" or is_held:
                continue
            answer = f"steps.{step.name}.output"
            for later in rule.do[place + 1 :]:
                if later.action not in _KEEPING and answer in str(later.options):
                    yield (
                        rule,
                        later.line,
                        f"`{later.action}` acts on the answer of `{step.name}`, which has no form",
                        f'give `{step.name}` a narrow `schema`, or set `approve = "always"`',
                    )


_KEEPING = frozenset({"log", "file"})
"""Actions that only write down what they are given."""


def unhandled_types(ruleset: RuleSet, known: Known) -> Iterator[Finding]:
    """Find kinds of events that arrive and no rule looks at."""
    rules = _enabled(ruleset)
    for kind in known.observed.values():
        handled = any(
            _takes(rule.on, kind.source, kind.type)
            or (rule.follow is not None and _takes(rule.follow.on, kind.source, kind.type))
            for rule in rules
        )
        if not handled:
            name = f"{kind.source}/{kind.type}" if kind.type else kind.source
            message = f"{kind.count} events `{name}` arrived and no rule looks at them"
            yield None, 0, message, f'on = "{name}"'


CODES: Mapping[str, Check] = {
    "shadowed-rule": shadowed,
    "cannot-match": contradictory,
    "same-action": duplicates,
    "unknown-source": unknown_sources,
    "unseen-field": unseen_fields,
    "unsigned-field": unsigned_fields,
    "unverified-command": unverified_power,
    "unsigned-agent": unsigned_agents,
    "unchecked-answer": unchecked_answers,
    "unhandled-type": unhandled_types,
}
"""Every finding there is, by its code."""
