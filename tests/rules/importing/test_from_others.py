"""The tables of `docs/rules-from-others.md`, each row tried."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hookagent.event import Event, Headers, RawRequest
from hookagent.rules.evaluate import matches
from hookagent.rules.importing.adnanh import HASHES
from hookagent.rules.importing.eventbridge import MATCHERS
from hookagent.rules.importing.hookdeck import OPERATORS
from hookagent.rules.model import Rule
from hookagent.rules.parse import read_rules
from hookagent.verdict import Code, Verdict
from tests.rules.importing.cases import imported

DOCS = Path(__file__).parents[3] / "docs" / "rules-from-others.md"
FORMATS = {
    "Amazon EventBridge patterns": "eventbridge",
    "Hookdeck filters": "hookdeck",
    "adnanh/webhook trigger rules": "adnanh",
    "Where the simpler rule is not quite the same": "",
}


def rows() -> list[tuple[str, str, str, str, str]]:
    """Return each row with its format: there, here, takes, leaves."""
    found = []
    for part in DOCS.read_text("utf-8").split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        cells = re.findall(r"^\| (.+?) \| (`.+?`) \| `(.+?)` \| `(.+?)` \|$", text, re.MULTILINE)
        listed = [line for line in text.splitlines() if line.startswith("| ")][2:]
        assert len(cells) == len(listed), f"a row of `{title}` is not read"
        found += [(FORMATS[title], *row) for row in cells]
    return found


ROWS = rows()


def event(said: str) -> Event:
    """Make an event of a cell: a payload, and with `@` what was around it."""
    document = json.loads(said)
    around = {key: it for key, it in document.items() if key.startswith("@")}
    payload = {key: it for key, it in document.items() if key not in around}
    request = RawRequest(
        method=around.get("@method", "POST"),
        target=around.get("@target", "/"),
        headers=Headers.of(around.get("@headers", {})),
        body=around["@body"].encode() if "@body" in around else msgspec.json.encode(payload),
        client_ip=around.get("@client_ip", "192.0.2.7"),
    )
    verdict = Verdict(valid=True, scheme="none", code=Code.OK)
    return Event(id="evt_1", source="s", request=request, verdict=verdict, payload=payload)


def ours(cell: str) -> list[Rule]:
    """Read the rule of a cell: one key in each piece of code."""
    lines = re.findall(r"`([^`]+)`", cell)
    return list(read_rules([("r.toml", "\n".join([*lines, 'do = [{ action = "log" }]']))]).rules)


def theirs(kind: str, cell: str) -> list[Rule]:
    """Import the document of a cell."""
    document: Any = json.loads(cell[1 : cell.rindex("`")])
    if kind == "adnanh":
        document = [{"id": "h", "execute-command": "/bin/true", "trigger-rule": document}]
    found = read_rules([("r.toml", imported(kind, document).text)]).rules
    return [replace(rule, on=()) for rule in found]


@pytest.mark.parametrize(
    ("kind", "there", "here", "takes", "leaves"), ROWS, ids=[row[1][:70] for row in ROWS]
)
def test_a_row_is_true(kind, there, here, takes, leaves):
    for rules in (ours(here), *([theirs(kind, there)] if kind else [])):
        assert any(matches(rule, event(takes)) for rule in rules)
        assert not any(matches(rule, event(leaves)) for rule in rules)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("eventbridge", (*MATCHERS, "$or")),
        ("hookdeck", (*OPERATORS, "$or", "$and", "$not", "$ref", "body", "headers", "query")),
        ("adnanh", ("value", "regex", "ip-whitelist", "and", "or", "not", "url", "remote-addr")),
    ],
)
def test_the_table_has_every_word(kind, words):
    said = " ".join(there for its_kind, there, *_ in ROWS if its_kind == kind)
    assert [word for word in words if f'"{word}"' not in said] == []


def test_every_signature_is_named():
    text = DOCS.read_text("utf-8")
    assert all(f"-{name}" in text for name in HASHES)
    assert "scalr-signature" in text
