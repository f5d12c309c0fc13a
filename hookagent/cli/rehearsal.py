"""What would happen to an event: which rules fire here and now, and what their actions would do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from hookagent.cli import output
from hookagent.cli.clock import clock
from hookagent.cli.crafting import source_of

if TYPE_CHECKING:
    from hookagent.config.model import Config, Source
    from hookagent.event import Event
    from hookagent.eventfile import Captured
    from hookagent.rules.model import Rule


def rehearse(
    config: "Config", captured: "Captured", asked: str, edits: Sequence[Any], *, as_json: bool
) -> int:
    """Say what one capture would set off; return how many rules."""
    from hookagent.pipeline.replay import edited
    from hookagent.pipeline.rulebook import load_rulebook

    source = source_of(captured.source, config.sources, asked=asked or None)
    request = edited(captured.request, edits)
    # The type is read anew, as the listener would: an edit may change it.
    event = event_of(msgspec.structs.replace(captured, request=request, type=""), source)
    book = load_rulebook(config.rules, config.folder, config.environment)
    fired = [(rule, would(rule, event, config)) for rule in book.select(event)]
    name = captured.id or "payload"
    if as_json:
        matched = [rule.name for rule, _ in fired]
        output.json_line(
            {"event": name, "matched": matched, "would": {r.name: steps for r, steps in fired}}
        )
        return len(fired)
    output.data(
        f"{name}  {event.source}  {event.type}  "
        + (f"{len(fired)} would fire" if fired else "no rule would fire")
    )
    for rule, steps in fired:
        output.data(f"  {rule.name}")
        for step in steps:
            output.data(f"    {output.safe_line(msgspec.json.encode(step).decode(), most=600)}")
    return len(fired)


def event_of(captured: "Captured", source: "Source") -> "Event":
    """Make the event that a capture would become at its source, unverified."""
    from hookagent.event import Event
    from hookagent.pipeline.gate import type_of, value_of
    from hookagent.verdict import Code, Verdict

    request = captured.request
    value = value_of(source, request)
    return Event(
        id=captured.id or "evt_rehearsal",
        source=source.name,
        type=captured.type or type_of(source, request, value),
        request=msgspec.structs.replace(request, received_at=request.received_at or clock()),
        verdict=Verdict(
            valid=True,
            scheme=source.scheme.name,
            code=Code.OK,
            integrity=source.scheme.integrity,
        ),
        payload=value,
    )


def would(rule: "Rule", event: "Event", config: "Config") -> list[dict[str, Any]]:
    """Return what each step would do, secrets masked; a template that fails says why."""
    from hookagent.actions import registry
    from hookagent.template import Scope, TemplateError

    steps = []
    for spec in rule.do:
        bound = registry.bind(spec.action, spec.options, config.environment)
        try:
            steps.append(bound.describe(bound.prepare(Scope(event=event))))
        except TemplateError as error:
            steps.append({"action": spec.action, "needs": str(error)})
    return steps
