"""`emit`: a new internal event, so that rules chain.

The new event names its parent and carries the step's idempotency key, so a repeated try emits
nothing new. Its hop count is one more than its parent's; beyond the bound it is a loop.
"""

from typing import Annotated, Any

import msgspec

from hookagent.actions.base import HOPS_MAX, Call, Emission, Outside
from hookagent.actions.values import Json, Text
from hookagent.job import Done, Never, Outcome
from hookagent.template import Scope

about = "Make a new internal event that rules can match, with a guard against loops."
leaves = '`{"id"}` of the new event.'
example = """\
action = "emit"
type = "order.large"
payload = { order = "{{ id }}", total = "{{ total }}" }
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the new event is."""

    type: Annotated[
        Text,
        msgspec.Meta(description="The new event's type.", examples=["order.large"]),
    ]
    source: Annotated[
        str,
        msgspec.Meta(description='The source it seems to come from, for `on = "SOURCE/TYPE"`.'),
    ] = "internal"
    payload: Annotated[
        Json | None,
        msgspec.Meta(description="Its payload; left out, that of the event at hand."),
    ] = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The new event."""

    source: str
    type: str
    payload: Any


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill type and payload. Raises TemplateError."""
    payload = scope.event.payload if options.payload is None else options.payload.fill(scope)
    return Prepared(source=options.source, type=options.type.fill(scope), payload=payload)


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Store the new event."""
    if call.hop >= HOPS_MAX:
        return Never(error=f"the event is {call.hop} steps down a chain of its own: this is a loop")
    if outside.emit is None:
        return Never(error="no agent runs here that could take a new event")
    emission = Emission(
        source=prepared.source,
        type=prepared.type,
        payload=prepared.payload,
        parent=call.event_id,
        key=call.idempotency_key,
        traceparent=call.traceparent,
        hop=call.hop + 1,
    )
    return Done({"id": await outside.emit(emission)})
