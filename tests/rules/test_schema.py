"""The schema for editors knows what the reader knows."""

import json

from hookagent.rules.operators import FIELD, OPERATORS
from hookagent.rules.parse import FILE_KEYS, RULE_KEYS
from hookagent.rules.schema import json_schema

LOG = {"properties": {"message": {"type": "string"}}, "required": ["message"]}


def test_it_has_every_key_and_every_operator():
    schema = json_schema({"log": LOG})

    assert set(schema["$defs"]["rule"]["properties"]) == set(RULE_KEYS)
    assert set(schema["properties"]) == {*RULE_KEYS, *FILE_KEYS}
    assert set(schema["$defs"]["operators"]["properties"]) == {*OPERATORS, FIELD}


def test_each_key_and_operator_has_words_for_hovering():
    schema = json_schema({})

    for name, operator in schema["$defs"]["operators"]["properties"].items():
        assert operator["description"], name


def test_each_action_brings_its_options():
    step = json_schema({"log": LOG, "exec": {}})["$defs"]["rule"]["properties"]["do"]["items"]

    assert step["properties"]["action"] == {"enum": ["exec", "log"]}
    then = step["allOf"][1]["then"]
    assert then["required"] == ["action", "message"]
    assert {"message", "action", "retry", "timeout"} <= set(then["properties"])
    assert then["additionalProperties"] is False


def test_every_reference_within_it_leads_somewhere():
    schema = json_schema({"log": LOG})
    text = json.dumps(schema)

    for part in text.split('"$ref": "#/$defs/')[1:]:
        assert part.partition('"')[0] in schema["$defs"]
