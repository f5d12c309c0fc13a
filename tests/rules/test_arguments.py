"""The right side of operators, as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.lookup import MISSING
from hookagent.rules.arguments import TAKES_FIELD, Kind, Moment, fold, moment_ms, operand, read
from hookagent.rules.model import Flag
from tests.rules.generated import payloads


@given(st.sampled_from(sorted(TAKES_FIELD)), payloads)
def test_any_value_of_an_event_is_an_operand_or_none(kind, value):
    hash(operand(kind, value))


@given(st.one_of(payloads, st.text(max_size=45), st.integers(), st.floats()))
def test_any_value_is_a_time_or_none(value):
    found = moment_ms(value)

    assert found is None or isinstance(found, int)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01 00:00:01 UTC", 1000),
        ("1970-01-01t00:00:01z", 1000),
        ("1970-01-01T01:00:01.5+01:00", 1500),
        ("1970-01-02", 86_400_000),
        ("19700102", None),
        ("1970-13-01", None),
        ("yesterday", None),
    ],
)
def test_times_are_rfc_3339(text, ms):
    assert moment_ms(text) == ms


def test_a_moment_may_hang_on_the_arrival():
    assert read(Kind.MOMENT, "now - 1h30m") == Moment(is_relative=True, ms=-5_400_000)
    assert read(Kind.MOMENT, "now") == Moment(is_relative=True, ms=0)
    assert Moment(is_relative=True, ms=5).resolve(100) == 105
    assert Moment(is_relative=False, ms=5).resolve(100) == 5


def test_arguments_are_hashable_and_truth_values_are_not_numbers():
    values = read(Kind.SCALARS, [1, True, "x"])

    assert values == frozenset({1, Flag.TRUE, "x"})
    truth: list[object] = [True, 1]
    assert [operand(Kind.SCALAR, value) for value in truth] == [Flag.TRUE, 1]
    assert operand(Kind.SCALAR, {}) is MISSING
    others: list[object] = [True, None, []]
    assert all(operand(Kind.ORDERED, value) is MISSING for value in others)


def test_case_is_folded_everywhere_in_an_argument():
    assert fold(("A", frozenset({"ß", 1}))) == ("a", frozenset({"ss", 1}))
    assert read(Kind.REGEXES, "\\S", is_folded=True) == ("\\S",)
