"""Many rows in few statements.

The module `sqlite3` lets go of the interpreter for each row it steps over, and under load the
writer's thread waits to get it back every time. So rows go in by the dozen: a statement for each
power of two, all of which stay prepared.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any

ROWS_AT_ONCE = 64


def run_many(
    connection: sqlite3.Connection,
    statement: Callable[[int], str],
    rows: Sequence[tuple[Any, ...]],
    *after: Any,
) -> int:
    """Execute a statement made for so many rows until all are through; return the rows changed.

    `after` are the values that follow the rows' own.
    """
    changed = 0
    for part in parts(rows):
        values = [*chain.from_iterable(part), *after]
        changed += connection.execute(statement(len(part)), values).rowcount
    return changed


def parts(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Cut rows into lots whose sizes are powers of two, the largest first."""
    at = 0
    while at < len(rows):
        size = min(1 << ((len(rows) - at).bit_length() - 1), ROWS_AT_ONCE)
        yield rows[at : at + size]
        at += size


@cache
def places(rows: int, columns: int) -> str:
    """Return the placeholders of so many rows: `(?, ?), (?, ?)`."""
    return ", ".join([f"({', '.join('?' * columns)})"] * rows)
