"""By what an expression can be looked up: what one side of a comparison comes to.

    reorder_point - available > 3     the difference, in an index of ranges
    total == 5 and not vip            the total

A comparison of what is unknown is unknown, and so is its opposite: it is never true where one of
its fields is missing.
"""

from collections.abc import Iterator

from hookagent.rules.expressions import Binary, Literal, Name, Node, Unary, names
from hookagent.rules.index.access import Cover, Kind, Range, of, present
from hookagent.rules.index.look import Slots
from hookagent.rules.model import Flag

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
"""A comparison read from the right."""


def covers(node: Node, slots: Slots) -> tuple[Cover, ...]:
    """Return the ways to look up an expression that has to be true."""
    match node:
        case Binary("and", left, right):
            return covers(left, slots) + covers(right, slots)
        case Binary("or", left, right):
            return _either(covers(left, slots), covers(right, slots))
        case Binary(op, left, right) if op in MIRRORED:
            return _of_comparison(op, left, right, slots)
        case Unary("not", Binary(op) as inner) if op in MIRRORED:
            return tuple(_fields(inner, slots))
        case Name(reference):
            return (present(reference, slots),)
        case _:
            return ()


def _either(left: tuple[Cover, ...], right: tuple[Cover, ...]) -> tuple[Cover, ...]:
    """Return a cover of two alternatives: one of each, where each has one."""
    if not left or not right:
        return ()
    return (Cover(left[0].accesses + right[0].accesses, is_exact=False),)


def _of_comparison(op: str, left: Node, right: Node, slots: Slots) -> tuple[Cover, ...]:
    if isinstance(left, Literal):
        op, left, right = MIRRORED[op], right, left
    if not _is_of_values(left):
        return ()
    found = tuple(_fields(left, slots))
    if not isinstance(right, Literal):
        return found + tuple(_fields(right, slots))
    span = _span(op, right)
    if op == "==":
        return (of(slots.computed(left), ((Kind.EQUAL, right.value),), is_exact=False),)
    if span is not None:
        return (of(slots.computed(left), ((Kind.RANGE, span),), is_exact=False),)
    return found


def _span(op: str, literal: Literal) -> Range | None:
    limit = literal.value
    if op not in {"<", "<=", ">", ">="} or limit is None or isinstance(limit, Flag):
        return None
    is_text = isinstance(limit, str)
    if op in {">", ">="}:
        return Range(is_text, low=limit, is_low_open=op == ">")
    return Range(is_text, high=limit, is_high_open=op == "<")


def _fields(node: Node, slots: Slots) -> Iterator[Cover]:
    """Return that each field is there, without which a node is unknown."""
    if _is_of_values(node):
        for reference in names(node):
            yield present(reference, slots)


def _is_of_values(node: Node) -> bool:
    """Whether a node is unknown where one of its fields is missing: all but `and` and `or` are."""
    match node:
        case Binary(op, left, right):
            return op not in {"and", "or"} and _is_of_values(left) and _is_of_values(right)
        case Unary(_, operand):
            return _is_of_values(operand)
        case _:
            return True
