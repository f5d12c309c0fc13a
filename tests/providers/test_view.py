"""Exactly one value of everything, whatever the request holds."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.lookup import MISSING
from hookagent.providers.multipart import part_of
from hookagent.providers.refusal import Refusal
from hookagent.providers.view import View, parse_fields
from hookagent.verdict import Code


def view(**parts: object) -> View:
    return View(RawRequest(**parts), {"set": "value"})  # type: ignore[arg-type]


def code_of(call: Callable[[], object]) -> Code:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.code


def test_a_header_is_found_in_any_case_and_never_joined() -> None:
    headers = Headers([(b"X-One", b"1"), (b"x-two", b"a"), (b"X-TWO", b"b")])
    found = view(headers=headers)
    assert found.header("x-one") == b"1"
    assert code_of(lambda: found.header("X-Two")) is Code.DOUBLED
    assert code_of(lambda: found.header("X-Three", Code.MISSING)) is Code.MISSING


def test_query_and_form_fields_are_decoded_once() -> None:
    found = view(target="/?a=%2B+x&b=1&b=2", body=b"c=%25&d=\xff")
    assert found.query_field("a") == b"+ x"
    assert code_of(lambda: found.query_field("b")) is Code.DOUBLED
    assert found.form_field("c") == b"%"
    assert found.form_field("d") == b"\xff"


def test_payload_fields_are_plain_values() -> None:
    found = view(body=b'{"a":{"s":"x","n":12,"t":true,"f":1.5,"o":{}},"l":[{"v":1},{"v":2}]}')
    assert found.json_text(("a", "s"), "a.s") == b"x"
    assert found.json_text(("a", "n"), "a.n") == b"12"
    assert found.json_text(("a", "t"), "a.t") == b"true"
    for path in (("a", "f"), ("a", "o"), ("a", "x")):
        assert code_of(lambda path=path: found.json_text(path, "p")) is Code.MISSING_PART  # type: ignore[misc]
    assert code_of(lambda: found.json_text(("l", "v"), "l.v")) is Code.DOUBLED


def test_a_body_that_is_no_json_has_no_fields() -> None:
    assert view(body=b"{").document is MISSING
    assert code_of(lambda: view(body=b"[" * 500).json_text(("a",), "a")) is Code.MISSING_PART


def test_a_setting_must_be_given() -> None:
    assert view().setting("set") == "value"
    assert code_of(lambda: view().setting("other")) is Code.MISSING_PART


def test_too_many_fields_are_refused() -> None:
    assert code_of(lambda: parse_fields(b"&" * 1_000)) is Code.MISSING_PART


@given(st.binary(max_size=100))
def test_any_bytes_are_fields(data: bytes) -> None:
    assert isinstance(parse_fields(data), dict)


BOUNDARY = "multipart/form-data; boundary=XyZ"
PART = b'--XyZ\r\nContent-Disposition: form-data; name="json"\r\n\r\n{"a":1}\r\n--XyZ--\r\n'


def test_a_part_of_a_multipart_body_is_found_by_its_name() -> None:
    assert part_of(PART, BOUNDARY, "json") == b'{"a":1}'
    assert part_of(PART, BOUNDARY, "other") is None
    assert part_of(PART + PART, BOUNDARY, "json") is None
    assert part_of(PART, "multipart/form-data", "json") is None


def test_the_json_may_be_in_a_part_a_field_or_the_body() -> None:
    for body, content_type in (
        (PART, BOUNDARY),
        (b"json=%7B%22a%22%3A1%7D", "application/x-www-form-urlencoded"),
        (b'{"a":1}', "application/json"),
    ):
        request = RawRequest(body=body, headers=Headers.of({"Content-Type": content_type}))
        assert View(request, {}, json_part="json").document == {"a": 1}


@given(st.binary(max_size=100), st.text(max_size=40))
def test_any_bytes_have_a_part_or_none(body: bytes, content_type: str) -> None:
    found = part_of(body, "multipart/form-data; boundary=a" + content_type, "json")
    assert found is None or found in body
