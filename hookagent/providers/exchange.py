"""Handshakes as data: which exchange a provider starts, with its parameters.

A provider proves that the address is wanted before it sends events. `KINDS` is the whole list;
`handshake` answers them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookagent.located import Table, describe
from hookagent.lookup import Path
from hookagent.providers.reading import ENCODINGS, read_path

Condition = tuple[str, str | int | bool]


class HandshakeRule(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange; which fields count depends on `kind`."""

    kind: str
    method: str = ""
    """The only method it comes by; empty for the kind's own."""
    when: tuple[Condition, ...] = ()
    """Paths (or query parameters, for the kinds with a query) and the values they must have."""
    field: str = ""
    field_path: Path = ()
    parameter: str = ""
    header: str = ""
    equals: str = ""
    answer: str = "text"
    """`text`, `json` or `header`."""
    member: str = ""
    echo: str = ""
    token: str = ""
    token_setting: str = ""
    must_equal: str = ""
    verified: bool = True
    """Whether the signature must be right before it is answered."""
    only: bool = False
    status: int = 200
    refused: int = 403
    """The status where the signature is wrong; 403 is the ordinary refusal."""
    body: str = ""
    content_type: str = ""
    prefix: str = ""
    encoding: str = "hex"
    pattern: str = ""
    hosts: tuple[str, ...] = ()
    allowed_by: str = ""
    """The setting that allows it when the source has it; else it must be armed."""

    @property
    def hands_over_key(self) -> bool:
        """Whether it gives the source its key, and so is taken only while armed."""
        return self.kind in {"key-header", "key-json"}


KINDS: Mapping[str, Mapping[str, Any]] = {
    "challenge-json": {
        "when": {},
        "field": "challenge",
        "answer": "text",
        "member": "",
        "verified": True,
        "only": False,
    },
    "challenge-query": {
        "method": "GET",
        "parameter": "challenge",
        "answer": "text",
        "member": "",
        "when": {},
        "token": "",
        "token_setting": "verify_token",
    },
    "challenge-header": {
        "method": "GET",
        "header": "",
        "answer": "text",
        "member": "",
        "must_equal": "",
    },
    "head": {},
    "reachable": {"method": "GET", "verified": True},
    "ping-form": {"field": ""},
    "ping": {
        "when": {},
        "header": "",
        "equals": "",
        "status": 200,
        "refused": 403,
        "body": "",
        "content_type": "",
        "verified": True,
    },
    "hmac-query": {
        "method": "GET",
        "parameter": "crc_token",
        "member": "response_token",
        "prefix": "sha256=",
        "encoding": "base64",
        "pattern": r"[A-Za-z0-9._~+/=-]{1,128}",
    },
    "hmac-json": {
        "when": {},
        "field": "payload.plainToken",
        "member": "encryptedToken",
        "echo": "plainToken",
        "encoding": "hex",
        "pattern": r"[A-Za-z0-9_=+/-]{1,128}",
    },
    "braintree": {"parameter": "bt_challenge"},
    "ebay": {"parameter": "challenge_code"},
    "fitbit": {"parameter": "verify"},
    "linkedin": {"parameter": "challengeCode"},
    "key-header": {"header": "X-Hook-Secret"},
    "key-json": {"field": "verification_token"},
    "subscription": {
        "when": {"Type": "SubscriptionConfirmation"},
        "field": "SubscribeURL",
        "hosts": [],
        "allowed_by": "topic_arn",
    },
    "validation-event": {},
    "webhook-origin": {},
    "intent": {"when": {}},
    "fixed-answer": {"body": "", "content_type": "text/plain"},
    "echo-header": {"header": ""},
}
"""Every kind with its parameters and their defaults."""


def read_handshakes(tables: list[Table]) -> tuple[HandshakeRule, ...]:
    """Read `[handshake]` or `[[handshake]]`; problems are reported through the tables."""
    rules = (_read_one(table) for table in tables)
    return tuple(rule for rule in rules if rule is not None)


def _read_one(table: Table) -> HandshakeRule | None:
    if "kind" not in table:
        table.report("missing-key", "`kind` is missing", hint='add: kind = "challenge-json"')
    kind = table.choice("kind", "", KINDS)
    if not kind:
        return None
    values = {name: _read_value(table, name, default) for name, default in KINDS[kind].items()}
    if "field" in values:
        values["field_path"] = read_path(table, "field", values["field"])
    if kind in {"challenge-header", "key-header", "echo-header"} and not values["header"]:
        table.report("missing-key", "`header` is missing", hint='add: header = "X-Challenge"')
    table.finish()
    return HandshakeRule(kind=kind, **values)


def _read_value(table: Table, name: str, default: Any) -> Any:
    """Read one parameter as what its default is."""
    if name in _CHOICES:
        return table.choice(name, default, _CHOICES[name])
    match default:
        case bool():
            return table.boolean(name, default=default)
        case int():
            return table.integer(name, default, least=100, most=599)
        case dict():
            return _read_when(table, name, default)
        case list():
            return table.texts(name, default)
        case _:
            return table.text(name, default)


_CHOICES = {"encoding": ENCODINGS, "answer": ("text", "json", "header")}


def _read_when(table: Table, name: str, default: dict[str, Any]) -> tuple[Condition, ...]:
    """Read a table of values that must be equal."""
    inner = table.table(name)
    if inner is None:
        return tuple(default.items())
    pairs: list[Condition] = []
    for key in inner.data:
        value = inner.raw(key)
        if isinstance(value, str | int):
            pairs.append((key, value))
        else:
            inner.report("wrong-type", f"`{key}` cannot be {describe(value)} here", key=key)
    return tuple(pairs)
