"""Rules and events of one line each."""

from hookagent.event import Event, RawRequest
from hookagent.rules.arguments import read
from hookagent.rules.index import Matcher
from hookagent.rules.model import Condition, Predicate, Rule, RuleSet
from hookagent.rules.operators import OPERATORS
from hookagent.rules.scope import read_reference
from hookagent.verdict import Code, Verdict


def rules(*conditions: tuple[str, str, object]) -> RuleSet:
    """Make a rule of each condition, named by its number."""
    made = []
    for number, (path, op, argument) in enumerate(conditions):
        predicate = Predicate(op, read(OPERATORS[op].kind, argument))
        made.append(Rule(name=str(number), when=(Condition(read_reference(path), predicate),)))
    return RuleSet(rules=tuple(made))


def event(payload: object) -> Event:
    """Make an event with this payload."""
    return Event(
        id="evt_1",
        source="s",
        request=RawRequest(),
        verdict=Verdict(valid=True, scheme="none", code=Code.OK),
        payload=payload,
    )


def names(ruleset: RuleSet, payload: object) -> list[str]:
    """Return the names of the rules a payload matches."""
    return [rule.name for rule in Matcher(ruleset).match(event(payload))]
