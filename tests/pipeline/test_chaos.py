"""Pure: what chaos sends, what it damages, and what a sound application does about it."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.errors import UsageError
from hookagent.event import RawRequest
from hookagent.pipeline.chaos import (
    Chaos,
    Expected,
    Kind,
    Shot,
    damaged,
    expected,
    is_sound,
    parse_chaos,
    retry,
    shots,
)
from hookagent.providers import catalog

ALL = "dup=3,retry,reorder,delay=2s,stale=10m,tamper,truncate,slow"


def test_every_word_is_read():
    assert parse_chaos(ALL) == Chaos(
        dup=3, retries=3, reorder=True, delay_ms=2_000, stale_ms=600_000, tamper=True, truncate=True,
        slow_ms=5_000,
    )  # fmt: skip
    assert parse_chaos("dup, slow=300ms") == Chaos(dup=2, slow_ms=300)


@pytest.mark.parametrize(
    ("text", "word"),
    [("dupe=2", "dup"), ("dup=1", "number"), ("dup=x", "number"), ("retry=0", "1 to 10"), ("retry=11", "1 to 10"),
     ("delay=soon", "duration"),
     ("reorder=2", "no value"), ("", "nothing"), (" , ", "nothing")],
)  # fmt: skip
def test_what_cannot_be_read_is_said(text, word):
    with pytest.raises(UsageError) as caught:
        parse_chaos(text)

    assert word in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("status", [0, 199, 301, 404, 503])
def test_what_was_not_taken_is_sent_again_at_growing_distances(status):
    chaos, shot = parse_chaos("retry=4"), Shot(7, Kind.DUPLICATE)
    waits: list[int] = []

    while again := retry(shot, status, len(waits) + 1, chaos):
        waits.append(again.wait_ms)
        shot = again

    assert waits == [1_000, 2_000, 4_000, 8_000]
    assert (shot.place, shot.kind) == (7, Kind.RETRY)


@pytest.mark.parametrize(
    ("kind", "status", "text"),
    [(Kind.PLAIN, 200, "retry"), (Kind.PLAIN, 503, "dup"), (Kind.TAMPERED, 403, "retry"),
     (Kind.STALE, 400, "retry"), (Kind.TRUNCATED, 0, "retry"), (Kind.SLOW, 408, "retry")],
)  # fmt: skip
def test_nothing_else_is_sent_again(kind, status, text):
    assert retry(Shot(0, kind), status, 1, parse_chaos(text)) is None


@given(st.integers(0, 20), st.integers(0, 2**32))
def test_each_capture_is_sent_in_every_way_and_its_duplicates_after_it(count, seed):
    made = shots(count, parse_chaos(ALL), Random(seed))

    for place in range(count):
        own = [shot.kind for shot in made if shot.place == place]
        assert sorted(own) == sorted(
            ["plain", "duplicate", "duplicate", "stale", "tampered", "truncated", "slow"]
        )
        copies = [kind for kind in own if kind in {Kind.PLAIN, Kind.DUPLICATE}]
        assert copies[0] is Kind.PLAIN
    assert all(0 <= shot.wait_ms <= 2_000 for shot in made)


def test_without_reorder_the_order_stays():
    assert [(s.place, s.kind) for s in shots(2, Chaos(dup=2), Random(1))] == [
        (0, "plain"), (0, "duplicate"), (1, "plain"), (1, "duplicate"),
    ]  # fmt: skip


@given(st.recursive(st.integers() | st.text() | st.booleans(), st.lists))
def test_a_tampered_payload_differs_and_is_still_json(value):
    request = RawRequest(body=json.dumps({"value": value}).encode())

    changed = damaged(request, Kind.TAMPERED)

    assert changed.body != request.body
    json.loads(changed.body)


def test_a_truncated_payload_is_half_of_it():
    assert damaged(RawRequest(body=b"12345678"), Kind.TRUNCATED).body == b"1234"
    assert damaged(RawRequest(body=b"1"), Kind.PLAIN).body == b"1"


@pytest.mark.parametrize(
    ("kind", "scheme", "wanted"),
    [
        (Kind.PLAIN, "github", Expected.ACCEPT),
        (Kind.DUPLICATE, None, Expected.ACCEPT),
        (Kind.STALE, "stripe", Expected.REFUSE),
        (Kind.STALE, "github", Expected.EITHER),
        (Kind.STALE, None, Expected.EITHER),
        (Kind.TAMPERED, "github", Expected.REFUSE),
        (Kind.TAMPERED, "gitlab", Expected.EITHER),
        (Kind.TRUNCATED, "gitlab", Expected.REFUSE),
        (Kind.SLOW, "github", Expected.EITHER),
    ],
)
def test_what_a_sound_application_does_goes_by_what_the_scheme_covers(kind, scheme, wanted):
    found = catalog.scheme(scheme) if scheme else None

    assert expected(kind, found, RawRequest(body=b'{"a":1}')) is wanted


def test_an_answer_is_judged():
    assert is_sound(Expected.ACCEPT, 204)
    assert not is_sound(Expected.ACCEPT, 0)
    assert is_sound(Expected.REFUSE, 403)
    assert not is_sound(Expected.REFUSE, 200)
    assert is_sound(Expected.EITHER, 500)
