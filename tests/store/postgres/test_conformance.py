"""The PostgreSQL engine does what every engine must do."""

from tests.store.conformance import StoreConformance


class TestPostgres(StoreConformance):
    pass
