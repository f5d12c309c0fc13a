"""Places an event does not have cost nothing."""

from tests.rules.index.small import names, rules


def test_a_field_of_its_own_for_each_rule_is_found():
    ruleset = rules(*[(f"data.f{number}", "eq", 1) for number in range(400)])
    assert names(ruleset, {"data": {"f7": 1, "f399": 1, "f8": 2}}) == ["7", "399"]
    assert names(ruleset, {"data": [[{"f3": 1}], {"f4": [0, 1]}]}) == ["3", "4"]
