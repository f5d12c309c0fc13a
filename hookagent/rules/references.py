"""Which values of an event a rule needs: what a partial decoder keeps, and lint compares."""

from collections.abc import Iterable, Iterator

from hookagent.rules.changed import Change
from hookagent.rules.expressions import Expression, names
from hookagent.rules.model import Condition, Field, Rule
from hookagent.rules.scope import EXPRESSION, ITEM
from hookagent.subject import Reference


def references(rule: Rule) -> frozenset[Reference]:
    """Return every reference a rule's matching and keys use, relative ones left out.

    What `item` asks of an element lies below the reference of its condition. The second half of
    a sequence is included; templates are not.
    """
    found = set(_of_conditions(conditions(rule)))
    found.update(rule.ordered_by)
    for spec in (rule.window, rule.throttle, rule.debounce, rule.sequence, rule.absence):
        if spec is not None:
            found.update(spec.by)
    if rule.window is not None and rule.window.field is not None:
        found.add(rule.window.field)
    if rule.sequence is not None:
        found.update(rule.sequence.follow_by)
    if rule.follow is not None:
        found |= references(rule.follow)
    return frozenset(reference for reference in found if reference.area != ITEM)


def conditions(rule: Rule) -> Iterator[Condition]:
    """Yield every condition of a rule, not those within `not`, `item` and `all`."""
    yield from rule.when
    for group in (*rule.any, *rule.unless):
        yield from group


def _of_conditions(group: Iterable[Condition]) -> Iterator[Reference]:
    for condition in group:
        if condition.reference.area not in {ITEM, EXPRESSION}:
            yield condition.reference
        argument = condition.predicate.argument
        match argument:
            case Field(reference):
                yield reference
            case Change(_, places):
                yield from (place.reference for place in places)
            case Expression(_, root):
                yield from names(root)
            case tuple():
                yield from _of_conditions(it for it in argument if isinstance(it, Condition))
            case _:
                pass
