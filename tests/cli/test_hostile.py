"""T13: whatever a stranger wrote, no command passes on a byte that steers the terminal."""

import json

import pytest

from hookagent.job import RunState
from tests.cli.workbench import EVIL, NOW, harmful

SECRET = "an-honest-secret-of-32-characters"
RULE = '[rule.note]\non = "shop/*"\n[[rule.note.do]]\naction = "log"\ntext = "{{ note }} {{ @type }}"\n'


@pytest.fixture
def hostile(seed, folder):
    """Fill a project with what steers terminals: store, files and headers."""
    (folder / "rules").mkdir()
    (folder / "rules" / "note.toml").write_text(RULE)
    payload = {"id": EVIL, "type": EVIL, "note": EVIL, EVIL: {EVIL: [EVIL]}}
    first, second = seed.events(
        payload, payload | {"id": "2", "note": f"{EVIL}2"}, **{"X-Evil": "\x1b[2J\x9b1m"}
    )
    dead = seed.runs(first, RunState.DEAD, rule="note", reason=EVIL)
    (refused,) = seed.refusals({"id": EVIL}, at=NOW + 60_000)
    entry = {
        "id": EVIL,
        "source": "shop",
        "type": EVIL,
        "url": f"/{EVIL}",
        "headers": [["X-Evil", "\x1b[2J"]],
        "body": json.dumps(payload),
    }
    (folder / "event.json").write_text(json.dumps(entry))
    (folder / "garbage").write_bytes(EVIL.encode() + b"\x1b[2J\xff")
    (folder / "commands").write_text(f"curl 'a.test/{EVIL}' -d '{{\"a\": 1}}' -H 'X: \x1b[2J'\n")
    return {"first": first, "second": second, "dead": dead, "refused": refused}


CALLS = [
    ["inspect"], ["inspect", "{first}"], ["inspect", "{first}", "{second}"], ["inspect", "--rejected"],
    ["inspect", "{refused}"], ["inspect", "{evil}"], ["inspect", "--where", "{evil}"], ["inspect", "--since", "{evil}"],
    ["inspect", "{first}", "--export", "json"], ["inspect", "{first}", "--export", "curl"],
    ["inspect", "{first}", "--export", "har"], ["inspect", "{first}", "--export", "{evil}"],
    ["export"], ["export", "--format", "pytest"], ["export", "event.json"], ["export", "garbage"],
    ["import", "event.json"], ["import", "commands"], ["import", "garbage"], ["import", "{evil}"],
    ["import", "event.json", "--format", "{evil}"],
    ["replay", "{first}", "--dry-run"], ["replay", "event.json", "--dry-run"], ["replay", "garbage"],
    ["replay", "{evil}"], ["replay", "{first}", "--set", "{evil}"], ["replay", "{first}", "--chaos", "{evil}"],
    ["replay", "{first}", "--to", "http://127.0.0.1:1/{evil}"], ["replay", "--type", "{evil}", "--since", "1h"],
    ["verify", "{first}"], ["verify", "{refused}"], ["verify", "event.json"], ["verify", "garbage"],
    ["verify", "event.json", "--scheme", "{evil}"],
    ["sign", "--source", "shop", "--data", "{evil}"], ["sign", "--source", "shop", "--header", "X: {evil}"],
    ["sign", "--source", "{evil}"], ["sign", "--source", "shop", "--event", "{evil}"],
    ["sign", "--source", "shop", "--data", "{evil}", "--format", "headers"],
    ["sign", "--source", "shop", "--data", "{evil}", "--format", "json"],
    ["dead"], ["dead", "{evil}", "--discard"], ["retry", "{evil}"], ["retry", "{dead}"],
    ["stats"], ["shapes"], ["shapes", "{evil}"], ["diff", "{first}", "{second}"], ["diff", "{first}", "{second}", "--all"],
    ["diff", "garbage", "event.json"], ["wait", "--since", "2026-01-01"], ["wait", "--where", "{evil}"],
    ["wait", "--type", "{evil}", "--timeout", "1ms"], ["sources", "secret", "{evil}"],
    ["rules", "test", "{first}"], ["rules", "explain", "{first}"], ["rules", "list"], ["schemes", "{evil}"],
    ["forward", "{evil}"], ["doctor"], ["{evil}"],
]  # fmt: skip


@pytest.mark.parametrize("command", sorted({call[0] for call in CALLS}))
def test_no_command_passes_it_on(hostile, run, command):
    names = {**hostile, "evil": EVIL}
    for call in CALLS:
        if call[0] != command:
            continue
        argv = [word.format(**names) if "{" in word else word for word in call]
        for more in ([], ["--json"]):
            code, out, err = run(*argv, *more)
            assert harmful(out + err) == [], (call, code, out, err)
            assert code != 70
