"""What language models may cost: runs, tokens, money and how many at once, kept across restarts.

The uses of each budget are one small value in the store, changed by compare-and-swap, so that all
nodes on a store share it and two cannot take the last place together (SECURITY A2). Room is taken
before a model is asked, with the most the answer may come to, and set right afterwards; so a
process that dies counts as having spent it all.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from hookagent.actions.base import Memory
from hookagent.errors import OutsideError

PREFIX = "budget:"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BUSY_MS = 500
"""How long to wait for a place that is taken."""
TRIES_MAX = 20
"""So often a budget is read again when others change it at the same moment."""
RETRY_S = 0.02


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


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Room that was taken, to be given back."""

    budget: str
    number: int


class Spent(msgspec.Struct, frozen=True, array_like=True):
    """One use, as it is kept for a day."""

    number: int
    call: str
    at: int
    busy_until: int
    tokens: int
    cost: float


_decode = msgspec.msgpack.Decoder(list[Spent]).decode
_encode = msgspec.msgpack.Encoder().encode


class Budget:
    """The budgets of one store."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def enter(self, use: Use, limits: Limits, now: int) -> Place | Full:
        """Take room, or learn when to come again. Raises OutsideError where the store is away."""
        number = secrets.randbits(48)
        taken = Spent(number, use.call, now, now + use.lasts_ms, use.tokens, use.cost)
        full: Full | None = None

        def change(spent: list[Spent]) -> list[Spent] | None:
            nonlocal full
            kept = [one for one in spent if one.at > now - DAY_MS]
            full = room(kept, use, limits, now)
            return None if full else [*kept, taken]

        if not await self._change(use.budget, change) and full is None:
            full = Full(after_ms=BUSY_MS, reason=f"too many ask for `{use.budget}` at once")
        return full or Place(budget=use.budget, number=number)

    async def leave(self, place: Place, *, tokens: int, cost: float) -> None:
        """Give back what was not spent; where the store is away, the most stays spent."""

        def change(spent: list[Spent]) -> list[Spent]:
            return [
                Spent(one.number, one.call, one.at, 0, tokens, cost)
                if one.number == place.number
                else one
                for one in spent
            ]

        with suppress(OutsideError):
            await self._change(place.budget, change)

    async def _change(
        self, budget: str, change: Callable[[list[Spent]], list[Spent] | None]
    ) -> bool:
        """Change a budget's uses as nobody else does meanwhile; False where that did not succeed.

        `change` may return None to leave them as they are.
        """
        name = PREFIX + budget
        for attempt in range(TRIES_MAX):
            before = await self._memory.kept(name)
            after = change([] if before is None else _decode(before))
            if after is None:
                return False
            if await self._memory.swap(name, before, _encode(after) if after else None):
                return True
            await asyncio.sleep(RETRY_S * secrets.randbelow(attempt + 2))
        return False


def room(spent: Sequence[Spent], use: Use, limits: Limits, now: int) -> Full | None:
    """Return which bound is reached, and when it is worth asking again; None where there is room.

    `spent` are the uses of the last day.
    """
    others = [one for one in spent if one.call != use.call]
    busy = sum(one.busy_until > now for one in others)
    if busy >= limits.concurrency:
        return Full(after_ms=BUSY_MS, reason=f"{busy} of `{use.budget}` under way already")
    for bound, span, words in (
        (limits.runs_per_hour, HOUR_MS, "an hour"),
        (limits.runs_per_day, DAY_MS, "a day"),
    ):
        found = _begun(others, now - span)
        if bound is not None and len(found) >= bound:
            after = found[len(found) - bound] + span - now if bound else span
            reason = f"the budget `{use.budget}` allows {bound} runs {words}"
            return Full(after_ms=max(after, 1), reason=reason)
    return _used_up(spent, use, limits, now)


def _begun(others: Sequence[Spent], since: int) -> list[int]:
    """Return when each other step of the budget began, the earliest first."""
    first: dict[str, int] = {}
    for one in others:
        if one.at > since:
            first[one.call] = min(first.get(one.call, one.at), one.at)
    return sorted(first.values())


def _used_up(spent: Sequence[Spent], use: Use, limits: Limits, now: int) -> Full | None:
    """Return whether tokens or money of a day would be used up by this."""
    tokens = sum(one.tokens for one in spent)
    cost = sum(one.cost for one in spent)
    first = min((one.at for one in spent), default=now)
    after = max(first + DAY_MS - now, 1)
    if limits.tokens_per_day is not None and tokens + use.tokens > limits.tokens_per_day:
        reason = f"the budget `{use.budget}` allows {limits.tokens_per_day} tokens a day"
        return Full(after_ms=after, reason=reason)
    if limits.cost_per_day is not None and cost + use.cost > limits.cost_per_day:
        reason = f"the budget `{use.budget}` allows ${limits.cost_per_day:g} a day"
        return Full(after_ms=after, reason=reason)
    return None
