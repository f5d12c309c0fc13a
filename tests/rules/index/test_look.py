"""Values as the index looks them up."""

from hookagent.rules.index.look import condensed
from hookagent.rules.model import Flag
from tests.rules.index.small import names, rules


def test_true_and_one_are_two_values():
    ruleset = rules(*[("a", "eq", value) for value in (1, True, 0, False, "1", "true")])
    assert names(ruleset, {"a": True}) == ["1"]
    assert names(ruleset, {"a": 1.0}) == ["0"]
    assert names(ruleset, {"a": [False, 1]}) == ["0", "3"]


def test_many_numbers_that_hash_alike_do_not_go_into_a_set():
    alike = [1 + number * (2**61 - 1) for number in range(40, 4_000)]
    assert isinstance(condensed(alike), tuple)
    assert isinstance(condensed([1, 2, "a"]), frozenset)


def test_objects_are_not_looked_up_by_value():
    assert condensed([{"a": 1}, True]) is Flag.TRUE
