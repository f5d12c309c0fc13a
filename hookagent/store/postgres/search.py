r"""Text search in bodies.

Finished slices have an index of trigrams where the extension pg_trgm is there (`indexing.py`); the
newest is read. Either way a page of candidates at a time, newest first, and whoever asks looks into
the body itself.

A body is any bytes, so the index and the coarse look are over `encode(body, 'escape')`: ASCII as it
is, every other byte as `\ooo`. Of the text that is looked for, its longest run of plain ASCII must
occur there.
"""

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from hookagent.store.base import EventFilter, StoreUnavailable
from hookagent.store.postgres.arrays import bigs
from hookagent.store.postgres.session import Row, Session
from hookagent.store.postgres.slices import SLICE_BITS, bounds

if TYPE_CHECKING:
    from hookagent.store.postgres.listing import Range

CHUNK = 1_000
"""Events whose bodies are looked into at once."""
SEARCH_S = 20.0
"""A search that takes longer is given up, with a hint how to ask for less."""
TRIGRAM = 3
"""Shorter runs of ASCII have no trigram: their bodies are read."""
BODY = "(encode(body, 'escape') COLLATE \"C\")"
"""What the index and the coarse look are over: ASCII, so the simplest collation will do."""

_HOLDING = f"""
    SELECT seq, body FROM hook.events
    WHERE seq = ANY($1::int8[]) AND seq BETWEEN $2 AND $3 AND {BODY} ILIKE $4
"""  # noqa: S608 - a constant of ours
_PLAIN = re.compile(r"[ !-\[\]-~]+")
"""What `encode(…, 'escape')` leaves as it is."""

Page = Callable[["Range", int, list[int] | None], Awaitable[list[int]]]
"""Returns numbers of a range that pass the rest of the filter, so many, among some or among all."""


async def with_text(session: Session, wanted: EventFilter, among: "Range", page: Page) -> list[int]:
    """Return the first events of a filter whose bodies hold its text.

    Raises StoreUnavailable when that takes too long.
    """
    deadline = time.monotonic() + SEARCH_S
    pattern = coarse(wanted.text)
    found: list[int] = []
    for slice_, is_indexed in await _slices(session, among):
        part: Range | None = slice_
        is_read_by_index = is_indexed and len(pattern) >= TRIGRAM + 2  # it begins and ends with %
        while part is not None and len(found) < wanted.limit:
            if is_read_by_index:
                seqs, rows = await _indexed(session, part, pattern)
            else:
                seqs = await page(part, CHUNK, None)
                rows = await _read(session, seqs, pattern)
            those = {seq for seq, body in rows if occurs(wanted.text, body)}
            holding = [seq for seq in seqs if seq in those]
            if holding and is_read_by_index:
                holding = await page(part, len(holding), holding)
            found += holding
            part = part.beyond(seqs[-1]) if len(seqs) == CHUNK else None
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"the search for `{wanted.text}` took longer than {SEARCH_S:.0f} seconds",
                    hint="narrow it: a source, a type, a span of time (`--since 1d`)",
                )
    return found[: wanted.limit]


async def _slices(session: Session, among: "Range") -> list[tuple["Range", bool]]:
    """Cut a range at the borders of slices, in its direction; those that are indexed are marked."""
    rows = await session.fetch("SELECT number, is_searchable FROM hook.slices ORDER BY number")
    parts = []
    for number, is_indexed in rows if among.forward else reversed(rows):
        first, last = bounds(number)
        part = among.within(first, last)
        if part.low <= part.high:
            parts.append((part, bool(is_indexed)))
    return parts


async def _indexed(
    session: Session, part: "Range", pattern: str
) -> tuple[list[int], Sequence[Row]]:
    """Return the next events of a slice that the index says may hold the text."""
    number = part.low >> SLICE_BITS
    rows = await session.fetch(
        f"SELECT seq, body FROM hook.events_{number} WHERE seq BETWEEN $1 AND $2"  # noqa: S608 - constants of ours
        f" AND {BODY} ILIKE $3 ORDER BY seq {part.order} LIMIT {CHUNK}",
        part.low,
        part.high,
        pattern,
    )
    return [seq for seq, _ in rows], rows


async def _read(session: Session, seqs: list[int], pattern: str) -> Sequence[Row]:
    if not seqs:
        return []
    return await session.fetch(_HOLDING, bigs(seqs), min(seqs), max(seqs), pattern)


def coarse(text: str) -> str:
    """Return a pattern for ILIKE that every body with this text fits."""
    runs = _PLAIN.findall(text)
    longest = max(runs, key=len, default="")
    return "%" + re.sub(r"([%_\\])", r"\\\1", longest) + "%"


def occurs(text: str, body: bytes) -> bool:
    """Tell whether a text occurs in a body, whatever the case of its letters."""
    return text.lower() in body.decode("utf-8", "replace").lower()
