"""Figures merge in any order, stay within bounds and survive their way to disk. Pure."""

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.pipeline.statistics.figures import (
    CAUSES_MAX,
    OTHER,
    SLACK,
    SUBJECTS_MAX,
    Figures,
    cause_of,
    decode,
    encode,
    merge,
    merged,
)

KINDS = st.sampled_from(sorted(SUBJECTS_MAX))
COUNTED = st.lists(
    st.tuples(
        KINDS, st.sampled_from("abc"), st.sampled_from(["done", "dead"]), st.integers(0, 9_999)
    ),
    max_size=40,
)


def of(counted):
    figures = Figures()
    for kind, name, word, ms in counted:
        figures.count((kind, name), word)
        figures.cause((kind, name), f"cause {ms % 7}")
        figures.time((kind, name), "run", ms)
    return figures


def plain(figures):
    return msgspec.to_builtins(figures.subjects)


@given(COUNTED, COUNTED, COUNTED)
def test_merging_is_counting_together_in_any_order(one, two, three):
    together = plain(of(one + two + three))
    for order in ((one, two, three), (three, one, two)):
        assert plain(merged(encode(of(part)) for part in order)) == together
    first = merge([encode(of(one)), encode(of(two))])
    assert plain(merged([first, encode(of(three))])) == together


def test_merging_leaves_what_was_merged_as_it_was():
    one, two = of([("rule", "a", "done", 5)]), of([("rule", "a", "done", 5)])
    whole = Figures()
    whole.merge(one)
    whole.merge(two)
    assert plain(one) == plain(two) == plain(of([("rule", "a", "done", 5)]))


def test_types_of_strangers_are_bounded_and_nothing_is_lost():
    figures = Figures()
    for number in range(20_000):
        figures.count(("type", f"shop/{number}"), "accepted")
        figures.count(("type", "shop/often"), "accepted")
    assert len(figures.subjects["type"]) <= SLACK * SUBJECTS_MAX["type"]
    kept = decode(encode(figures)).subjects["type"]
    assert len(kept) == SUBJECTS_MAX["type"]
    assert kept["shop/often"].counts == {"accepted": 20_000}
    assert sum(one.weight for one in kept.values()) == 40_000
    assert OTHER in kept


def test_causes_are_bounded_and_the_frequent_stay():
    figures = Figures()
    for number in range(1_000):
        figures.cause(("source", "shop"), f"strange {number}")
        figures.cause(("source", "shop"), "wrong-signature")
    causes = decode(encode(figures)).subjects["source"]["shop"].causes
    assert len(causes) == CAUSES_MAX
    assert causes["wrong-signature"] == 1_000
    assert sum(causes.values()) == 2_000


def test_merging_many_stretches_stays_within_bounds():
    def minute(number):
        figures = Figures()
        for kind in range(200):
            figures.count(("type", f"s/{number}-{kind}"), "accepted")
        return encode(figures)

    whole = merged(minute(number) for number in range(60))
    assert len(whole.subjects["type"]) <= SLACK * SUBJECTS_MAX["type"]
    assert sum(one.weight for one in whole.subjects["type"].values()) == 60 * 200


@given(st.binary(max_size=50))
def test_what_another_version_wrote_counts_as_nothing(data):
    decode(data)
    assert not decode(b"9" + data)
    assert not decode(b"1" + zlib.compress(msgspec.msgpack.encode(["odd"])))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("HTTP 503", "HTTP 503"),
        ("timed out after 10 s", "timed out after 10 s"),
        ("cannot reach 127.0.0.1:45321", "cannot reach 127.0.0.1:…"),
        ("no order 9f86d081884c7d659a2feaa0c55ad015\nand more", "no order …"),
        ("evt_01KA3VZJ9Q8XK7T2M4N6P0R5S1 is gone", "… is gone"),
        ("", "no reason given"),
        ("x" * 500, "x" * 80),
    ],
)
def test_errors_of_one_kind_are_one_cause(error, cause):
    assert cause_of(error) == cause
