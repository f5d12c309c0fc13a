"""`--where`: expressions over one event, in the rule language's own grammar."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookagent.errors import UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.event import Event
    from hookagent.eventfile import Captured


def read_conditions(texts: list[str]) -> "list[Callable[[Event], bool]]":
    """Read expressions such as `data.amount >= 100`; all of them must hold. Raises UsageError."""
    return [_read(text) for text in texts]


def _read(text: str) -> "Callable[[Event], bool]":
    from hookagent.rules.expressions import ExpressionError, is_true, parse_expression
    from hookagent.rules.scope import Scope

    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        place = " " * error.position
        raise UsageError(
            f"`--where` cannot be read: {error}\n  {text}\n  {place}^",
            hint=error.hint or "such as 'data.amount >= 100 and currency == \"eur\"'",
        ) from None
    return lambda event: is_true(expression, Scope(event))


def meeting(texts: list[str], config: "Config", asked: str = "") -> "Callable[[Captured], bool]":
    """Return what says whether a capture meets all expressions; `asked` names its source."""
    from hookagent.event import Event
    from hookagent.pipeline.gate import type_of, value_of
    from hookagent.verdict import Code, Verdict

    conditions = read_conditions(texts)
    unchecked = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)

    def meets(captured: "Captured") -> bool:
        name = asked or captured.source
        source = config.sources.get(name)
        value = value_of(source, captured.request)
        kind = captured.type or (type_of(source, captured.request, value) if source else "")
        event = Event(
            id=captured.id or "evt_captured",
            source=name,
            type=kind,
            request=captured.request,
            verdict=unchecked,
            payload=value,
        )
        return all(condition(event) for condition in conditions)

    return meets
