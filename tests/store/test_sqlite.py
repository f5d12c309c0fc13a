"""The SQLite engine does what every engine must do."""

from tests.store.conformance import OneOwnerConformance, StoreConformance


class TestSqlite(StoreConformance, OneOwnerConformance):
    pass
