"""Patterns are linear in time, and total on any text."""

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.rules.patterns import (
    SUBJECT_BYTES_MAX,
    WrongPattern,
    compiled,
    fits_glob,
    found_by,
    has_word,
)
from tests.patience import least

HALF = "\ud800"


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab", max_size=8))
def test_a_glob_means_what_it_means_to_a_shell(pattern, text):
    assert fits_glob(pattern, text) == fnmatch.fnmatchcase(text, pattern)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_glob_fits_or_is_refused(pattern, text):
    try:
        fits_glob(pattern, text)
    except WrongPattern as error:
        assert str(error)  # noqa: PT017 - either is fine


@pytest.mark.parametrize("wrong", ["[a", "a\\", "[", "[b-a]"])
def test_a_glob_that_is_not_well_formed_is_refused(wrong):
    with pytest.raises(WrongPattern):
        fits_glob(wrong, "a")


def test_half_a_character_is_no_error():
    assert not found_by("x", HALF)
    assert found_by("x", HALF + "x")
    assert fits_glob("?x", HALF + "x")
    with pytest.raises(WrongPattern, match="half of a character"):
        compiled(HALF)


def test_what_backtracks_elsewhere_is_quick_here():
    def cost() -> float:
        start = time.process_time()
        assert not found_by("(a+)+$", "a" * 60_000 + "b")
        assert not fits_glob("*a" * 30 + "b", "a" * 60_000)
        return time.process_time() - start

    assert least(cost, 2) < 2


def test_a_regex_looks_at_the_beginning_of_a_long_text():
    assert found_by("x", "a" * (SUBJECT_BYTES_MAX - 1) + "x")
    assert not found_by("x", "a" * SUBJECT_BYTES_MAX + "x")


@pytest.mark.parametrize("wrong", ["(?=a)", r"(a)\1", "(", "a{9999}", "x" * 5000])
def test_what_re2_cannot_run_is_refused(wrong):
    with pytest.raises(WrongPattern):
        compiled(wrong)


@given(st.text(alphabet="ab_ é", max_size=10), st.text(alphabet="ab_ é", min_size=1, max_size=3))
def test_a_word_is_what_no_letter_touches(text, word):
    import re

    expected = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None

    assert has_word(word, text) is expected
