"""TOML whose every key and value knows its line and column, and a reader that reports all problems.

`tomllib` gives a place for syntax errors only. `parse` lets it judge the text and then walks the
same text once more (`places`) to note where each key and value stands, so that a wrong value in a
valid file is answered with file, line and column as well. `Table` is how configuration, rules and
schemes are read: ask it for each known key, then `finish()`, which names every key nobody asked
for.
"""

from hookagent.located.document import Document, Where, parse
from hookagent.located.measures import parse_duration, parse_size
from hookagent.located.table import Table, describe

__all__ = ["Document", "Table", "Where", "describe", "parse", "parse_duration", "parse_size"]
