"""The SQLite engine does what every engine must do."""

from tests.store.conformance import StoreConformance


class TestSqlite(StoreConformance):
    pass
