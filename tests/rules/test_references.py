"""Which values of an event a rule needs."""

from hookagent.rules.references import conditions, references
from tests.rules.events import rule_of

RULE = """
expr = ["e.f > len(g)"]
window = { sum = "amount", gte = 5, within = "1m", by = ["key"] }
ordered_by = "order"
[rule.r.when]
a = 1
"b.c" = { not = { item = { x = { field = "y" } } } }
d = { lt = { field = "h" }, changed = "before" }
"@headers.x" = "1"
[[rule.r.any]]
i = 1
[[rule.r.unless]]
j = { item = { k = 1 } }
"""


def test_every_reference_is_found_once_and_relative_ones_are_left_out():
    found = {reference.text for reference in references(rule_of(RULE))}

    assert found == {
        "a", "b.c", "d", "h", "y", "before", "e.f", "g", "i", "j", "amount", "key", "order", "@headers.x",
    }  # fmt: skip


def test_the_second_half_of_a_sequence_counts():
    text = """
    sequence = { within = "1h", by = ["a"], without = { by = ["b"], when = { c = 1 } } }
    """

    assert {reference.text for reference in references(rule_of(text))} == {"a", "b", "c"}


def test_conditions_are_those_of_all_groups():
    assert len(list(conditions(rule_of(RULE)))) == 8
