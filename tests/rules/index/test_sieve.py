"""Places an event does not have cost nothing."""

from msgspec.structs import replace

from hookagent.rules.index import Matcher
from tests.rules.index.small import event, names, rules


def test_a_field_of_its_own_for_each_rule_is_found():
    ruleset = rules(*[(f"data.f{number}", "eq", 1) for number in range(400)])
    assert names(ruleset, {"data": {"f7": 1, "f399": 1, "f8": 2}}) == ["7", "399"]
    assert names(ruleset, {"data": [[{"f3": 1}], {"f4": [0, 1]}]}) == ["3", "4"]


def test_a_place_the_body_has_is_found_in_what_was_decoded_in_part():
    fields = [f"data.f{number}" for number in range(100)] + ["class", "a.b.c"]
    ruleset = rules(*[(field, "exists", True) for field in fields])
    body = b'{"data": [{"f7": 1}, {"f99": null}], "class": {}, "a": {"b": [{"c": []}]}}'
    arrived = event(None)
    arrived = replace(arrived, request=replace(arrived.request, body=body))
    found = [rule.name for rule in Matcher(ruleset).match_bytes(arrived)]
    assert found == ["7", "99", "100", "101"]
