"""Pure: nothing gets out of a fence, and what is inside can be seen."""

import unicodedata

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hookagent.actions.agents.fence import fenced, mark, told, visible

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, TEXTS)
def test_no_text_opens_or_closes_a_fence(name, text):
    made = fenced({name: text}, seed="run_1-0")

    assert made.count("<") == 2
    assert made.startswith(f"<{mark('run_1-0')}>\n")
    assert made.endswith(f"\n</{mark('run_1-0')}>")


@given(TEXTS)
def test_what_stays_can_be_seen_and_stays_as_it_was(text):
    made = visible(text)

    assert all(c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf"} for c in made)
    assert visible(made) == made
    assert msgspec.json.decode(told(text)) == made


def test_a_long_value_is_cut_and_says_so():
    made = told("é" * 100, most=50)

    assert len(made.encode()) < 90
    assert made.endswith("bytes more)")


def test_marks_differ_by_their_seed():
    assert mark("run_1-0") != mark("run_2-0")


def test_a_value_that_is_nested_without_end_is_cut():
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]

    assert "…" in told(deep)
