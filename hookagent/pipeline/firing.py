"""From a rule that fired to the run that is recorded for it."""

from hookagent.event import Event, new_id
from hookagent.job import Step
from hookagent.rules.model import Rule
from hookagent.rules.remembered import Firing, key_text
from hookagent.store.base import Run


def new_run(rule: Rule, firing: Firing, event: Event | None, now: int, entropy: int) -> Run:
    """Make the pending run of a firing.

    `event` is the one at hand; a firing for another one (a timer's) keeps no order, which the rule
    files rule out. `entropy` is 48 random bits for its id.
    """
    order_key = ""
    if rule.ordered_by and event is not None and event.id == firing.event_id:
        order_key = key_text(rule.ordered_by, event)
    return Run(
        id=new_id("run", now, entropy),
        event_id=firing.event_id,
        rule=rule.name,
        version=rule.version,
        steps=[Step(name=spec.name, action=spec.action) for spec in rule.do],
        created_at=now,
        facts=firing.facts or None,
        order_key=order_key,
    )
