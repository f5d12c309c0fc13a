"""The store in a PostgreSQL database: for several receivers and workers on one or more machines."""

from hookagent.store.postgres.address import Address, read_address
from hookagent.store.postgres.store import PostgresStore

__all__ = ["Address", "PostgresStore", "read_address"]
