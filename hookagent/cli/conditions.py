"""`--where`: expressions over one event, in the rule language's own grammar."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookagent.errors import UsageError

if TYPE_CHECKING:
    from hookagent.event import Event


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
