"""Pure: bytes become a value or a reason, whatever they are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.payload import (
    DEPTH_MAX,
    FORM_FIELDS_MAX,
    Parsed,
    Unparsed,
    read,
    read_form,
    read_json,
)


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "application/json", "application/x-www-form-urlencoded", "ü;;"]),
)
def test_any_bytes_give_an_answer(body, content_type):
    assert isinstance(read(body, content_type), Parsed | Unparsed)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_what_json_writes_is_read(value):
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")

    read_back = read_json(body)

    assert read_back == Parsed(value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'{"a":"\\ud800"}',
        '{"a":1}'.encode("utf-16"),
        b"{}{}",
        b"01",
        b"'a'",
        b'{"a":1,}',
    ],
)
def test_what_is_not_json_is_refused_with_a_reason(body):
    answer = read_json(body)

    assert isinstance(answer, Unparsed)
    assert answer.reason


def test_a_syntax_error_says_at_which_byte():
    answer = read_json(b'{"a": 1, "b": }')

    assert isinstance(answer, Unparsed)
    assert answer.offset == 14


@pytest.mark.parametrize("opener", ["[", '{"a":'])
def test_depth_is_bounded(opener):
    closer = "]" if opener == "[" else "}"
    allowed = opener * DEPTH_MAX + "1" + closer * DEPTH_MAX
    refused = opener * (DEPTH_MAX + 1) + "1" + closer * (DEPTH_MAX + 1)

    assert isinstance(read_json(allowed.encode()), Parsed)
    assert isinstance(read_json(refused.encode()), Unparsed)
    assert isinstance(read_json(b"[" * 1_000_000), Unparsed)


def test_brackets_in_strings_do_not_count_as_depth():
    body = json.dumps({"text": "[{" * 500, "quote": '\\"[[['}).encode()

    assert isinstance(read_json(body), Parsed)


def test_a_form_becomes_an_object_and_repeated_names_a_list():
    assert read_form(b"a=1&b=x+y&a=2&c=") == Parsed({"a": ["1", "2"], "b": "x y", "c": ""})


def test_json_in_the_one_field_payload_is_the_payload():
    assert read(
        b"payload=%7B%22a%22%3A1%7D", "application/x-www-form-urlencoded; charset=utf-8"
    ) == Parsed({"a": 1})


def test_a_form_of_too_many_fields_is_refused():
    assert isinstance(read_form(b"&".join([b"a=1"] * (FORM_FIELDS_MAX + 1))), Unparsed)
    assert isinstance(read_form(b"a=%ff"), Unparsed)
