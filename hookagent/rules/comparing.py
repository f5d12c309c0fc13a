"""Whether one element meets an argument: the comparisons most operators are made of."""

import ipaddress
import operator
from collections.abc import Callable
from typing import Any

from hookagent.rules.arguments import network
from hookagent.rules.model import atom

Check = Callable[[Any, Any], bool]
"""Whether one element meets an argument, given in that order: `check(argument, value)`."""


def any_text(matches: Callable[[str, str], bool]) -> Check:
    """Make a check that one of several texts is enough for: `matches(text, subject)`."""

    def check(argument: tuple[str, ...], value: Any) -> bool:
        return isinstance(value, str) and any(matches(text, value) for text in argument)

    return check


def equals(argument: Any, value: Any) -> bool:
    """Whether a value is this atom; an object is none."""
    return not isinstance(value, dict) and bool(argument == atom(value))


def is_in(argument: frozenset[Any], value: Any) -> bool:
    """Whether a value is one of these atoms."""
    return not isinstance(value, dict) and atom(value) in argument


def orders(compare: Callable[[Any, Any], bool]) -> Check:
    """Make a check that compares numbers with numbers and texts with texts."""

    def check(argument: Any, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return False
        return isinstance(argument, str) == isinstance(value, str) and compare(value, argument)

    return check


def is_between(argument: tuple[Any, Any], value: Any) -> bool:
    """Whether a value lies between two, both included."""
    low, high = argument
    return AT_LEAST(low, value) and AT_MOST(high, value)


AT_LEAST = orders(operator.ge)
AT_MOST = orders(operator.le)


def is_within(argument: tuple[str, ...], value: Any) -> bool:
    """Whether a text is an address in one of the ranges; `::ffff:192.0.2.1` counts as IPv4."""
    if not isinstance(value, str):
        return False
    try:
        address = ipaddress.ip_address(value.strip())
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(
        address.version == within.version and address in within for within in map(network, argument)
    )
