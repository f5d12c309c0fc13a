"""Numbered steps of a schema, as files of an engine's package: `migrations/NNNN_name.sql`."""

from importlib.resources import files

import msgspec


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema."""

    version: int
    name: str
    sql: str


def read_migrations(package: str) -> list[Migration]:
    """Read the migrations of an engine's package, in order."""
    found = []
    for entry in files(package).joinpath("migrations").iterdir():
        number, _, name = entry.name.removesuffix(".sql").partition("_")
        if entry.name.endswith(".sql"):
            found.append(Migration(int(number), name, entry.read_text("utf-8")))
    return sorted(found, key=lambda migration: migration.version)
