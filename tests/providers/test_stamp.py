"""Timestamps are read strictly and judged in both directions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.providers.refusal import Refusal
from hookagent.providers.stamp import check_age, format_stamp, parse_stamp
from hookagent.verdict import Code

FORMS = ("unix", "unix-ms", "rfc3339", "iso-utc")


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        ("unix", b"1700000000", 1_700_000_000_000),
        ("unix", b"0", 0),
        ("unix-ms", b"1700000000123", 1_700_000_000_123),
        ("rfc3339", b"2023-11-14T22:13:20Z", 1_700_000_000_000),
        ("rfc3339", b"2023-11-14T23:13:20.5+01:00", 1_700_000_000_500),
        ("rfc3339", b"2023-11-14T22:13:20.123456789Z", 1_700_000_000_123),
        ("rfc3339", b"2023-11-14T15:13:20-0700", 1_700_000_000_000),
        ("iso-utc", b"2023-11-14T22:13:20.000", 1_700_000_000_000),
    ],
)
def test_what_providers_write_is_read(form: str, text: bytes, value: int) -> None:
    assert parse_stamp(text, form) == value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" 1700000000",
        b"1700000000 ",
        b"+1700000000",
        b"-1",
        b"01700000000",
        b"1_700_000_000",
        b"1.7e9",
        b"1700000000.9",
        "\uff11\uff17".encode(),
        b"9" * 20,
        b"0x10",
        b"nan",
        b"Infinity",
        b"2023-13-14T22:13:20Z",
        b"2023-11-14T25:13:20Z",
        b"2023-11-14",
        b"0000-00-00T00:00:00Z",
    ],
)
def test_anything_else_is_no_timestamp(form: str, text: bytes) -> None:
    assert parse_stamp(text, form) is None


def test_a_time_without_a_zone_is_not_rfc3339() -> None:
    assert parse_stamp(b"2023-11-14T22:13:20", "rfc3339") is None


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(FORMS))
def test_what_is_written_is_read_to_its_precision(now: int, form: str) -> None:
    precise = now - now % 1000 if form == "unix" else now
    assert parse_stamp(format_stamp(now, form).encode(), form) == precise


@given(st.binary(max_size=40), st.sampled_from(FORMS))
def test_any_bytes_are_a_time_or_none(text: bytes, form: str) -> None:
    value = parse_stamp(text, form)
    assert value is None or isinstance(value, int)


def test_the_window_is_as_wide_to_both_sides_and_closed() -> None:
    now = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
    for age in (-300_000, 0, 300_000):
        check_age(now - age, now, 300_000)
    for age, code in ((300_001, Code.STALE), (-300_001, Code.AHEAD)):
        with pytest.raises(Refusal) as caught:
            check_age(now - age, now, 300_000)
        assert caught.value.code is code
    check_age(0, now, 0)


@pytest.mark.parametrize(
    ("age_ms", "said"),
    [
        (400_000, "signed 400 s ago, 300 s are allowed"),
        (600_500, "signed 10 min ago, 300 s are allowed"),
        (7_100_000, "signed 118 min ago, 300 s are allowed"),
        (7_200_000, "signed 2 h ago, 300 s are allowed"),
        (105_475_100_900, "signed 1220 days ago, 300 s are allowed"),
        (-301_500, "signed 301.5 s in the future, 300 s are allowed"),
        (-86_400_000, "signed 24 h in the future, 300 s are allowed"),
    ],
)
def test_how_far_a_time_is_off_is_said_in_a_unit_that_can_be_read(age_ms: int, said: str) -> None:
    now = 1_800_000_000_000

    with pytest.raises(Refusal) as caught:
        check_age(now - age_ms, now, 300_000)

    assert caught.value.detail == said
