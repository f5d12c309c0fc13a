"""Specs over time are values: equal when they say the same."""

from tests.rules.events import rule_of

SAME = ("within = '600s', count = 5", "count = 5, within = '10m'")


def test_equal_words_make_equal_values():
    one, two = (rule_of(f"window = {{ {words} }}").window for words in SAME)

    assert one == two
    assert hash(one) == hash(two)
