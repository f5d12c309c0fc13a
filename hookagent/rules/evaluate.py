"""Which rules an event matches, by looking at every rule: what the index is held against.

Matching is about one event alone; whether a rule over time then fires is decided in `windows`.
"""

from hookagent.event import Event
from hookagent.rules.model import Pattern, Rule, RuleSet
from hookagent.rules.operators import all_hold
from hookagent.rules.patterns import fits_glob
from hookagent.rules.scope import Scope


def matches(rule: Rule, event: Event) -> bool:
    """Whether an event is what a rule asks for; `enabled`, `stop` and `fallback` play no part."""
    if not is_on(rule.on, event):
        return False
    if rule.during is not None and not rule.during.is_open(event.received_at):
        return False
    scope = Scope(event)
    return (
        all_hold(rule.when, scope)
        and (not rule.any or any(all_hold(group, scope) for group in rule.any))
        and not any(all_hold(group, scope) for group in rule.unless)
    )


def is_on(patterns: tuple[Pattern, ...], event: Event) -> bool:
    """Whether one of the patterns takes the event's source and type, or there are none."""
    return not patterns or any(fits(pattern, event) for pattern in patterns)


def fits(pattern: Pattern, event: Event) -> bool:
    """Whether a pattern takes an event's source and type."""
    return fits_glob(pattern.source, event.source) and fits_glob(pattern.type, event.type)


def select(ruleset: RuleSet, event: Event) -> list[Rule]:
    """Return the rules an event matches, in order, up to the first with `stop`.

    Fallback rules count only where no other rule matched.
    """
    enabled = [rule for rule in ruleset.rules if rule.enabled]
    found = _until_stop([rule for rule in enabled if not rule.fallback], event)
    return found or _until_stop([rule for rule in enabled if rule.fallback], event)


def _until_stop(rules: list[Rule], event: Event) -> list[Rule]:
    found = []
    for rule in rules:
        if matches(rule, event):
            found.append(rule)
            if rule.stop:
                break
    return found


def followers(ruleset: RuleSet, event: Event) -> list[Rule]:
    """Return the second halves of sequences that an event matches, named as their rules."""
    return [rule for rule in ruleset.followers if matches(rule, event)]
