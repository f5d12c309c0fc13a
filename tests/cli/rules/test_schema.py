"""`hookagent rules schema`."""

import json

from hookagent.actions import registry


def test_it_prints_a_schema_with_every_action(folder, run):
    code, out, _ = run("rules", "schema")

    step = json.loads(out)["$defs"]["rule"]["properties"]["do"]["items"]
    assert code == 0
    assert set(registry.BUILT_IN) <= set(step["properties"]["action"]["enum"])
