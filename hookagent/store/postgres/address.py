"""What a store's URL says: where the database is, which schema is ours, how to speak to it.

    postgresql://user:password@host:5432/database?schema=hookagent&sslmode=verify-full

Everything libpq knows may stand in the query (`sslmode`, `target_session_attrs`, several hosts);
`schema` and `prepare` are ours. The password is never part of a message.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import msgspec
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from hookagent.errors import OutsideError

SCHEMA = "hookagent"
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_PREPARE = {"yes": True, "no": False, "auto": None}
_EXAMPLE = "write `postgresql://user@host:5432/database`"

_DEFAULTS: dict[str, Any] = {
    "application_name": "hookagent",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "target_session_attrs": "read-write",
}
"""For libpq, where the URL does not say otherwise: a silent network is noticed within seconds, and
of several hosts the one that takes writes is used."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A database and a schema in it."""

    parameters: dict[str, Any]
    """For libpq; may hold a password."""
    schema: str
    prepare: bool | None
    """Whether statements stay prepared on a connection; None: unless a pooler stands between."""
    label: str
    """The URL without what is secret."""

    def __repr__(self) -> str:
        return f"Address({self.label})"


def read_address(url: str) -> Address:
    """Read a URL. Raises OutsideError, which does not repeat it."""
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        schema = query.pop("schema", SCHEMA)
        prepare = query.pop("prepare", "auto")
        rest = urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))
        given = conninfo_to_dict(rest)
    except (ValueError, ProgrammingError):
        raise OutsideError("the store's URL cannot be read", hint=_EXAMPLE) from None
    if not _SCHEMA_NAME.fullmatch(schema):
        raise OutsideError(
            "the `schema` in the store's URL is no name for one",
            hint="small letters, digits and `_`, at most 48",
        )
    if prepare not in _PREPARE:
        raise OutsideError("`prepare` in the store's URL is neither `yes` nor `no` nor `auto`")
    return Address(
        parameters=_DEFAULTS | {key: value for key, value in given.items() if value is not None},
        schema=schema,
        prepare=_PREPARE[prepare],
        label=_label(given, schema),
    )


def _label(given: dict[str, Any], schema: str) -> str:
    host = str(given.get("host") or given.get("hostaddr") or "localhost")
    port = str(given.get("port") or "")
    where = f"{host}:{port}" if port and "," not in host else host
    suffix = "" if schema == SCHEMA else f"?schema={schema}"
    return f"postgresql://{where}/{given.get('dbname') or ''}{suffix}"
