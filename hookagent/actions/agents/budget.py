"""What language models may cost: runs, tokens, money and how many at once, kept across restarts.

A file of its own in the state folder. Room is taken before a model is asked, with the most the
answer may come to, and set right afterwards; so a process that dies counts as having spent it all,
and two processes cannot take the last place together (SECURITY A2).
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

FILE = "agents.db"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BUSY_MS = 500
"""How long to wait for a place that is taken."""
_LOCKED_S = 10.0

_TABLE = """
create table if not exists uses (
    id integer primary key, budget text not null, call text not null, at integer not null,
    busy_until integer not null, tokens integer not null, cost real not null
) strict;
create index if not exists uses_by_budget on uses (budget, at);
"""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is allowed; None for no bound."""

    runs_per_hour: int | None = 10
    runs_per_day: int | None = 100
    tokens_per_day: int | None = None
    cost_per_day: float | None = None
    """In US dollars."""
    concurrency: int = 1


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a model, as it is planned."""

    budget: str
    """Whose budget: the rule's name unless rules share one."""
    call: str
    """The step's idempotency key: several requests of one step are one run."""
    tokens: int
    """The most it may come to."""
    cost: float = 0.0
    lasts_ms: int = 60_000
    """When it is surely over, from now."""


class Full(msgspec.Struct, frozen=True, kw_only=True):
    """There is no room now."""

    after_ms: int
    reason: str


class Budget:
    """The file, opened for each look: a process that dies leaves nothing open."""

    def __init__(self, state: Path) -> None:
        self._path = state / FILE

    async def enter(self, use: Use, limits: Limits, now: int) -> "int | Full":
        """Take room; return a number to give back, or when to come again."""
        return await asyncio.to_thread(self._enter, use, limits, now)

    async def leave(self, number: int, *, tokens: int, cost: float) -> None:
        """Give back what was not spent."""
        await asyncio.to_thread(self._leave, number, tokens, cost)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction that nobody else can be in."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600, exist_ok=True)
        made = sqlite3.connect(self._path, timeout=_LOCKED_S, isolation_level=None)
        with closing(made) as connection:
            connection.executescript(_TABLE)
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")

    def _enter(self, use: Use, limits: Limits, now: int) -> "int | Full":
        with self._opened() as connection:
            connection.execute("delete from uses where at <= ?", (now - DAY_MS,))
            full = _full(connection, use, limits, now)
            if full is not None:
                return full
            made = connection.execute(
                "insert into uses (budget, call, at, busy_until, tokens, cost)"
                " values (?, ?, ?, ?, ?, ?)",
                (use.budget, use.call, now, now + use.lasts_ms, use.tokens, use.cost),
            )
            return int(made.lastrowid or 0)

    def _leave(self, number: int, tokens: int, cost: float) -> None:
        with self._opened() as connection:
            connection.execute(
                "update uses set busy_until = 0, tokens = ?, cost = ? where id = ?",
                (tokens, cost, number),
            )


def _full(connection: sqlite3.Connection, use: Use, limits: Limits, now: int) -> Full | None:
    """Return which bound is reached, and when it is worth asking again."""
    busy = connection.execute(
        "select count(*) from uses where budget = ? and busy_until > ? and call != ?",
        (use.budget, now, use.call),
    ).fetchone()[0]
    if busy >= limits.concurrency:
        return Full(after_ms=BUSY_MS, reason=f"{busy} of `{use.budget}` under way already")
    for bound, span, words in (
        (limits.runs_per_hour, HOUR_MS, "an hour"),
        (limits.runs_per_day, DAY_MS, "a day"),
    ):
        found = _runs(connection, use, now - span)
        if bound is not None and len(found) >= bound:
            after = found[len(found) - bound] + span - now if bound else span
            reason = f"the budget `{use.budget}` allows {bound} runs {words}"
            return Full(after_ms=max(after, 1), reason=reason)
    return _spent(connection, use, limits, now)


def _runs(connection: sqlite3.Connection, use: Use, since: int) -> list[int]:
    """Return when each other step of the budget began, the earliest first."""
    rows = connection.execute(
        "select min(at) as first from uses where budget = ? and at > ? and call != ?"
        " group by call order by first",
        (use.budget, since, use.call),
    )
    return [int(row[0]) for row in rows]


def _spent(connection: sqlite3.Connection, use: Use, limits: Limits, now: int) -> Full | None:
    """Return whether tokens or money of a day would be used up by this."""
    tokens, cost, first = connection.execute(
        "select coalesce(sum(tokens), 0), coalesce(sum(cost), 0), coalesce(min(at), ?)"
        " from uses where budget = ? and at > ?",
        (now, use.budget, now - DAY_MS),
    ).fetchone()
    after = max(int(first) + DAY_MS - now, 1)
    if limits.tokens_per_day is not None and tokens + use.tokens > limits.tokens_per_day:
        reason = f"the budget `{use.budget}` allows {limits.tokens_per_day} tokens a day"
        return Full(after_ms=after, reason=reason)
    if limits.cost_per_day is not None and cost + use.cost > limits.cost_per_day:
        reason = f"the budget `{use.budget}` allows ${limits.cost_per_day:g} a day"
        return Full(after_ms=after, reason=reason)
    return None
