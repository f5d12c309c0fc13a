"""What the actions of a rule would do, without doing it; secrets masked."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hookagent.errors import HookagentError

if TYPE_CHECKING:
    from hookagent.environment import Environment
    from hookagent.event import Event
    from hookagent.rules.model import Rule

Would = Callable[["Rule", "Event", Mapping[str, Any]], dict[str, Any]]


def would_of(environment: "Environment") -> Would:
    """Return a function that says, by step name, what each step would do.

    A step that cannot be prepared (a template lacks a value, a variable is not set) says so under
    `needs`. What an earlier step leaves is not known here.
    """
    from hookagent.actions import registry
    from hookagent.template import Scope, TemplateError

    def would(rule: "Rule", event: "Event", facts: Mapping[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for spec in rule.do:
            try:
                bound = registry.bind(spec.action, spec.options, environment)
                prepared = bound.prepare(Scope(event=event, facts=facts))
                told[spec.name] = bound.describe(prepared)
            except (TemplateError, HookagentError) as error:
                told[spec.name] = {"action": spec.action, "needs": str(error)}
        return told

    return would
