"""Runs of one rule and key one after the other: only the first of them is awake.

    pending behind another: asleep ──the one before it is final or dead──> awake (claimable)

`wake_at` of a run that sleeps is `ASLEEP`, so that claiming never looks at those behind: a key
with a hundred thousand runs costs no more than one with two. `arrange` puts a key in order again
after anything about its runs has changed.
"""

import sqlite3
from collections.abc import Iterable

from hookagent.store.rows import PENDING, RUNNING

ASLEEP = 1 << 62
"""A moment that does not come."""

Key = tuple[int, str]
"""A rule's id, and an order key."""

_AWAKE = f"""
    SELECT seq, state FROM runs INDEXED BY runs_awake
    WHERE rule_id = ? AND order_key = ? AND wake_at < {ASLEEP}
"""  # noqa: S608 - a constant of ours
_FIRST = """
    SELECT seq FROM runs INDEXED BY runs_in_order
    WHERE rule_id = ? AND order_key = ? AND wake_at IS NOT NULL ORDER BY event_seq, seq LIMIT 1
"""
_WAKE = f"""
    UPDATE runs SET wake_at = CASE state WHEN {PENDING} THEN 0 ELSE due_at END WHERE seq = ?
"""  # noqa: S608 - constants of ours
_LULL = f"UPDATE runs SET wake_at = {ASLEEP} WHERE seq = ?"  # noqa: S608 - a constant of ours

MAY_BEGIN = """
    (r.order_key IS NULL OR r.event_seq IS NULL
     OR r.event_seq <= (SELECT coalesce(min(seq), r.event_seq) FROM unrouted))
"""
"""Whether no event before a run's own can still bring one that belongs before it."""


def arrange(connection: sqlite3.Connection, keys: Iterable[Key]) -> None:
    """Let the first run of each key be awake, and no other; one that runs stays the first."""
    for key in set(keys):
        awake = connection.execute(_AWAKE, key).fetchall()
        running = {seq for seq, state in awake if state == RUNNING}
        first = running or {seq for (seq,) in connection.execute(_FIRST, key)}
        known = {seq for seq, _ in awake}
        connection.executemany(_LULL, [(seq,) for seq in known - first])
        connection.executemany(_WAKE, [(seq,) for seq in first - known])
