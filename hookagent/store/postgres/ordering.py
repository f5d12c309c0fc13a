"""Runs of one rule and key one after the other: only the first of them is awake.

    pending behind another: asleep ──the one before it is final or dead──> awake (claimable)

`wake_at` of a run that sleeps is `ASLEEP`, so that claiming never looks at those behind: a key
with a hundred thousand runs costs no more than one with two. What changes a key's runs locks the
key first and puts it in order again afterwards, in the same transaction.
"""

from collections.abc import Collection, Iterable
from hashlib import blake2b

from hookagent.store.base import Run
from hookagent.store.postgres.arrays import ints, storable, uuids
from hookagent.store.postgres.session import Statement
from hookagent.store.rows import PENDING, RUNNING

ASLEEP = 1 << 62
"""A moment that does not come."""

_LOCK = """
    SELECT pg_advisory_xact_lock('hook.runs'::regclass::oid::int, place) FROM (
        SELECT DISTINCT hashtext(rule_id || ' ' || print) AS place
        FROM unnest($1::int[], $2::uuid[]) AS k(rule_id, print) ORDER BY 1
    ) AS places
"""
_ARRANGE = f"""
    WITH k AS (SELECT DISTINCT * FROM unnest($1::int[], $2::uuid[]) AS k(rule_id, print)),
    awake AS (
        SELECT r.id, r.state, k.rule_id, k.print FROM k
        JOIN hook.runs AS r ON r.rule_id = k.rule_id AND r.order_print = k.print
            AND r.wake_at < {ASLEEP}
    ), head AS (
        SELECT h.id FROM k CROSS JOIN LATERAL (
            SELECT r.id FROM hook.runs AS r
            WHERE r.rule_id = k.rule_id AND r.order_print = k.print AND r.wake_at IS NOT NULL
            ORDER BY r.event_seq NULLS FIRST, r.seq LIMIT 1
        ) AS h
        WHERE NOT EXISTS (
            SELECT 1 FROM awake AS a
            WHERE a.rule_id = k.rule_id AND a.print = k.print AND a.state = {RUNNING}
        )
    ), changed AS (
        SELECT id, false AS is_first FROM awake
        WHERE state <> {RUNNING} AND id NOT IN (SELECT id FROM head)
        UNION ALL SELECT id, true FROM head WHERE id NOT IN (SELECT id FROM awake)
    )
    UPDATE hook.runs AS r SET wake_at = CASE
        WHEN NOT c.is_first THEN {ASLEEP} WHEN r.state = {PENDING} THEN 0 ELSE r.due_at END
    FROM changed AS c WHERE r.id = c.id
"""  # noqa: S608 - constants of ours


def order_print(key: str) -> bytes | None:
    """Return 16 bytes that stand for an order key; None for no order."""
    return blake2b(storable(key).encode(), digest_size=16).digest() if key else None


def in_order(
    statements: list[Statement], runs: Iterable[Run], rules: dict[str, int]
) -> list[Statement]:
    """Put what changes runs between the lock of their keys and the arrangement of these."""
    keys = {(rules[run.rule], order_print(run.order_key) or b"") for run in runs if run.order_key}
    return around(statements, keys) if keys else statements


def around(statements: list[Statement], keys: Collection[tuple[int, bytes]]) -> list[Statement]:
    """Put statements between the lock of these rules' keys and their arrangement."""
    values = (ints([rule for rule, _ in keys]), uuids([print_ for _, print_ in keys]))
    return [Statement(_LOCK, values), *statements, Statement(_ARRANGE, values)]
