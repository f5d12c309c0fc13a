"""`hookagent rules diff`."""

import json

from tests.cli.workbench import NOW

RULE = 'on = "shop"\nwhen = {{ amount = {{ gte = {limit} }} }}\ndo = [{{ action = "log", text = "{text}" }}]'


def versions(folder, old, new):
    for name, (limit, text) in {"old": old, "new": new}.items():
        (folder / name).mkdir()
        (folder / name / "big.toml").write_text(RULE.format(limit=limit, text=text))


def test_events_that_differ_are_named(seed, run):
    versions(seed.folder, (100, "a"), (200, "b {{ id }}"))
    _, second, third = seed.events(
        *({"id": n, "type": "o", "amount": n * 100} for n in range(3)), at=NOW
    )

    code, out, err = run("rules", "diff", "old", "new", "--since", "2020-01-01")

    assert code == 1
    assert out.splitlines()[:2] == [
        f"{second}  big  no longer fires",
        f"{third}  big  acts differently",
    ]
    assert '"text":"b 2"' in out
    assert "big: no longer fires 1 times, acts differently 1 times" in err


def test_the_comparison_is_json(seed, run):
    versions(seed.folder, (100, "a"), (100, "a"))
    seed.events({"id": 1, "type": "o", "amount": 100}, at=NOW)

    code, out, _ = run("rules", "diff", "old", "new", "--since", "2020-01-01", "--json")

    assert (code, json.loads(out)) == (0, {"events": 1, "counts": {}, "changes": []})
