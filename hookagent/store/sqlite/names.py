"""Small ids for what repeats: sources, kinds of events, rules, and which rule meets which kind.

Belongs to the write connection. After a rollback `forget` everything: an id given out in the
failed transaction was not kept.
"""

import sqlite3
from typing import TypeVar

from hookagent.event import Event
from hookagent.store.rows import Kind, kind_of

REMEMBERED_MAX = 10_000
"""Of each sort; a source whose types never repeat must not fill the memory."""

Key = TypeVar("Key")
Id = TypeVar("Id")


class Names:
    """Ids by name, remembered; new names are inserted."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._sources: dict[str, int] = {}
        self._kinds: dict[Kind, tuple[int, int]] = {}
        self._rules: dict[str, int] = {}
        self._cells: dict[tuple[int, int], int] = {}
        self._versions: dict[str, str] = {}

    def forget(self) -> None:
        """Forget what is remembered, not what is stored."""
        for remembered in (self._sources, self._kinds, self._rules, self._cells, self._versions):
            remembered.clear()

    def is_new_version(self, version: str) -> bool:
        """Whether a rule's version was not asked about before: it may have to be stored."""
        is_new = version not in self._versions
        if is_new:
            _remember(self._versions, version, version)
        return is_new

    def source(self, name: str) -> int:
        """Return a source's id."""
        found = self._sources.get(name)
        if found is None:
            found = self._id("sources", name)
            _remember(self._sources, name, found)
        return found

    def rule(self, name: str) -> int:
        """Return a rule's id."""
        found = self._rules.get(name)
        if found is None:
            found = self._id("rules", name)
            _remember(self._rules, name, found)
        return found

    def kind(self, event: Event) -> tuple[int, int]:
        """Return the ids of an event's source and kind."""
        kind = kind_of(event)
        found = self._kinds.get(kind)
        if found is None:
            source_id = self.source(event.source)
            found = (source_id, self._new_kind(source_id, kind))
            _remember(self._kinds, kind, found)
        return found

    def cell(self, rule_id: int, kind_id: int) -> int:
        """Return the id of a rule's meeting with a kind of event (0 for no event)."""
        found = self._cells.get((rule_id, kind_id))
        if found is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO cells (rule_id, kind_id) VALUES (?, ?)", (rule_id, kind_id)
            )
            row = self._connection.execute(
                "SELECT id FROM cells WHERE rule_id = ? AND kind_id = ?", (rule_id, kind_id)
            ).fetchone()
            found = int(row[0])
            _remember(self._cells, (rule_id, kind_id), found)
        return found

    def _id(self, table: str, name: str) -> int:
        self._connection.execute(f"INSERT OR IGNORE INTO {table} (name) VALUES (?)", (name,))  # noqa: S608 - a constant of ours
        row = self._connection.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()  # noqa: S608 - as above
        return int(row[0])

    def _new_kind(self, source_id: int, kind: Kind) -> int:
        columns = (
            "source_id, type, origin, method, base_url, valid, scheme, code, integrity,"
            " secret_index"
        )
        index = -1 if kind[-1] is None else kind[-1]
        values = (source_id, *(str(part) for part in kind[1:5]), int(kind[5]))
        values = (*values, *(str(part) for part in kind[6:9]), index)
        self._connection.execute(
            f"INSERT OR IGNORE INTO kinds ({columns}) VALUES (?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - constants of ours
            values,
        )
        row = self._connection.execute(
            f"SELECT id FROM kinds WHERE ({columns}) = (?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - as above
            values,
        ).fetchone()
        return int(row[0])


def _remember(remembered: dict[Key, Id], key: Key, value: Id) -> None:
    if len(remembered) >= REMEMBERED_MAX:
        remembered.clear()
    remembered[key] = value
