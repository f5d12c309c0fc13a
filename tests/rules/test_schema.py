"""The schema for editors knows what the reader knows."""

import json
import tomllib

import pytest

from hookagent.actions import registry
from hookagent.rules.operators import FIELD, OPERATORS
from hookagent.rules.parse import FILE_KEYS, RULE_KEYS
from hookagent.rules.schema import json_schema
from tests.rules.test_cookbook import NAMES, RECIPES
from tests.rules.test_evaluate import CONDITIONS
from tests.rules.validating import errors

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


SCHEMA = json_schema(registry.schemas())


def found(text):
    return list(errors(SCHEMA, tomllib.loads(text), SCHEMA))


@pytest.mark.parametrize("text", RECIPES, ids=NAMES)
def test_it_accepts_the_rules_of_the_cookbook(text):
    assert found(text) == []


@pytest.mark.parametrize("condition", [row[0] for row in CONDITIONS])
def test_it_accepts_every_documented_condition(condition):
    assert found(f'[rule.r]\ndo = [{{ action = "log" }}]\n[rule.r.when]\n{condition}') == []


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=lambda operator: operator.name)
def test_it_accepts_the_example_of_every_operator(operator):
    text = f"a = {{ {operator.name} = {operator.example} }}"

    assert found(f'[rule.r]\ndo = [{{ action = "log" }}]\n[rule.r.when]\n{text}') == []


@pytest.mark.parametrize(
    "line",
    [
        "priorty = 1",
        "priority = 'high'",
        "when = { a = { prefxi = 'x' } }",
        "when = { a = { exists = 1 } }",
        "when = { a = { type = 'text' } }",
        "when = { a = { between = [1] } }",
        "when = { a.b = { c = 1 } }",
        "retry = { atempts = 1 }",
        "timeout = 'soon'",
        "window = { count = 5 }",
        "do = [{ action = 'lgo' }]",
        "do = [{ action = 'log', txt = 'x' }]",
        "on_interrupt = 'wait'",
    ],
)
def test_it_finds_what_an_editor_should_underline(line):
    do = "" if line.startswith("do") else 'do = [{ action = "log" }]'

    assert found(f"[rule.r]\n{line}\n{do}")
