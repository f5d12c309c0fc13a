"""Small ids for what repeats: sources, kinds of events, rules, and which rule meets which kind.

Ids are given out in transactions of their own, ahead of what uses them, and never change: every
process may remember them for good.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeVar

import msgspec

from hookagent.store.postgres.arrays import ints, storable, texts
from hookagent.store.postgres.session import Session
from hookagent.store.rows import Kind

REMEMBERED_MAX = 10_000
"""Of each sort; a source whose types never repeat must not fill the memory."""

Key = TypeVar("Key")
Id = TypeVar("Id")
Cell = tuple[int, int]
"""A rule's id and a kind's; 0 for no event."""

_KIND = """
    WITH new AS (
        INSERT INTO hook.kinds (source_id, type, origin, method, base_url, valid, scheme, code,
            integrity, secret_index, digest)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::uuid)
        ON CONFLICT (digest) DO NOTHING RETURNING id
    ) SELECT id FROM new UNION ALL SELECT id FROM hook.kinds WHERE digest = $11::uuid
"""
_NEW_CELLS = """
    INSERT INTO hook.cells (rule_id, kind_id) SELECT DISTINCT * FROM unnest($1::int[], $2::int[])
    ON CONFLICT DO NOTHING
"""
_CELLS = """
    SELECT c.rule_id, c.kind_id, c.id FROM unnest($1::int[], $2::int[]) AS w(rule_id, kind_id)
    JOIN hook.cells AS c ON c.rule_id = w.rule_id AND c.kind_id = w.kind_id
"""


class Names:
    """Ids by name, remembered; `learn_…` makes sure that those asked for are."""

    def __init__(self) -> None:
        self.sources: dict[str, int] = {}
        self.kinds: dict[Kind, tuple[int, int]] = {}
        """The ids of an event's source and kind."""
        self.rules: dict[str, int] = {}
        self.cells: dict[Cell, int] = {}

    async def learn_kinds(self, session: Session, kinds: Iterable[Kind]) -> None:
        """Make sure that these kinds and their sources have ids here."""
        _make_room(self.kinds)
        missing = {kind for kind in kinds if kind not in self.kinds}
        if not missing:
            return
        await self.learn_sources(session, {kind[0] for kind in missing})
        for kind in missing:
            source_id = self.sources[kind[0]]
            rest = [storable(str(part)) if isinstance(part, str) else part for part in kind[1:9]]
            index = -1 if kind[9] is None else kind[9]
            digest = blake2b(msgspec.json.encode([source_id, *rest, index]), digest_size=16)
            values = (source_id, *rest, index, digest.hexdigest())
            found = await session.fetch(_KIND, *values) or await session.fetch(_KIND, *values)
            self.kinds[kind] = (source_id, found[0][0])  # a rival's is seen the second time

    async def learn_sources(self, session: Session, names: Iterable[str]) -> None:
        """Make sure that these sources have ids here."""
        await _learn(session, "sources", self.sources, names)

    async def learn_rules(self, session: Session, names: Iterable[str]) -> None:
        """Make sure that these rules have ids here."""
        await _learn(session, "rules", self.rules, names)

    async def learn_cells(self, session: Session, cells: Iterable[Cell]) -> None:
        """Make sure that these meetings of a rule and a kind have ids here."""
        _make_room(self.cells)
        missing = [cell for cell in set(cells) if cell not in self.cells]
        if not missing:
            return
        columns = (ints([cell[0] for cell in missing]), ints([cell[1] for cell in missing]))
        await session.fetch(_NEW_CELLS, *columns)
        for rule_id, kind_id, cell_id in await session.fetch(_CELLS, *columns):
            self.cells[rule_id, kind_id] = cell_id


async def _learn(
    session: Session, table: str, remembered: dict[str, int], names: Iterable[str]
) -> None:
    _make_room(remembered)
    missing = [name for name in set(names) if name not in remembered]
    if not missing:
        return
    await session.fetch(
        f"INSERT INTO hook.{table} (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        texts(missing),
    )
    found = await session.fetch(
        f"SELECT name, id FROM hook.{table} WHERE name = ANY($1::text[])",  # noqa: S608 - as above
        texts(missing),
    )
    ids: dict[str, int] = dict(found)
    for name in missing:
        remembered[name] = ids[storable(name)]


def _make_room(remembered: dict[Key, Id]) -> None:
    if len(remembered) >= REMEMBERED_MAX:
        remembered.clear()
