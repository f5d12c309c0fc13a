"""Samples are found by event type and filled with fresh, repeatable values."""

import msgspec
import pytest

from hookagent.errors import NotFound
from hookagent.providers import sample
from tests.providers.kit import NOW


def test_the_same_time_and_entropy_give_the_same_bytes() -> None:
    loaded = sample.load("stripe", "payment_intent.succeeded")
    first = sample.fill(loaded, now=NOW, entropy=1)
    assert first == sample.fill(loaded, now=NOW, entropy=1)
    assert first.body != sample.fill(loaded, now=NOW, entropy=2).body
    assert first.body != sample.fill(loaded, now=NOW + 1000, entropy=1).body


def test_a_name_stands_for_one_value_and_another_name_for_another() -> None:
    template = sample.Sample(
        provider="shop",
        event_type="x",
        body=b'["{{ id:a }}","{{ id:a }}","{{ id:b }}","{{= number:a }}","{{ now:-1 }}"]',
        content_type="application/json",
    )
    same, again, other, number, before = msgspec.json.decode(
        sample.fill(template, now=NOW, entropy=1).body,
    )
    assert same == again
    assert same != other
    assert isinstance(number, int)
    assert before.endswith("Z")


def test_an_unknown_placeholder_stays_as_it_is() -> None:
    template = sample.Sample(
        provider="shop",
        event_type="x",
        body=b'"{{ secret }}"',
        content_type="application/json",
    )
    assert sample.fill(template, now=NOW, entropy=1).body == template.body


def test_a_form_is_written_as_one() -> None:
    filled = sample.fill(sample.load("twilio", "received"), now=NOW, entropy=1)
    assert filled.content_type == "application/x-www-form-urlencoded"
    assert b"Body=Is+order+1042+on+its+way%3F&From=%2B15550100001" in filled.body


def test_an_event_type_that_no_file_name_can_hold_is_encoded() -> None:
    assert sample.file_name("orders/create") == "orders%2Fcreate.json"
    assert sample.load("shopify", "orders/create").headers


def test_an_unknown_event_type_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound) as caught:
        sample.load("github", "pushh")
    assert caught.value.hint == "did you mean `push`?"
    assert sample.event_types("../github") == ()
