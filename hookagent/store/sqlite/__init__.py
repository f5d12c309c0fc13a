"""The store in one SQLite file: the default, and enough for one receiving process."""

from hookagent.store.sqlite.salvage import SalvageReport, salvage
from hookagent.store.sqlite.store import Mode, SqliteStore

__all__ = ["Mode", "SalvageReport", "SqliteStore", "salvage"]
