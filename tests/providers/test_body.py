"""Payloads that are not the body itself."""

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.payload import FORM_FIELDS_MAX, Parsed, Unparsed
from hookagent.providers import catalog
from hookagent.providers.body import (
    FORM,
    JSON,
    claims_of,
    is_wrapped,
    likely_type,
    unwrapped,
    wrapped,
)
from hookagent.providers.privatekeys import make_pair
from hookagent.providers.shape import Family
from hookagent.providers.sign import sign
from tests.providers.kit import NOW

IN_PART = msgspec.structs.replace(catalog.scheme("stripe"), json_part="json")
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n'
    b'--b\r\nContent-Disposition: form-data; name="json"\r\n\r\n{"a":1}\r\n--b--\r\n'
)


def read(body: bytes, content_type: str = "application/json") -> Parsed | Unparsed:
    headers = Headers.of({"Content-Type": content_type})
    return unwrapped(IN_PART, RawRequest(headers=headers, body=body))


def test_only_wrapped_payloads_are_taken_out() -> None:
    assert not is_wrapped(catalog.scheme("stripe"))
    assert is_wrapped(IN_PART)
    assert is_wrapped(catalog.scheme("kinde"))


def test_json_is_taken_out_of_a_part_a_field_or_the_body() -> None:
    assert read(MULTIPART, "multipart/form-data; boundary=b") == Parsed({"a": 1})
    assert read(b"x=1&json=%7B%22a%22%3A1%7D", "application/x-www-form-urlencoded") == Parsed(
        {"a": 1}
    )
    assert read(b'{"a":1}') == Parsed({"a": 1})


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data; boundary=b"),
        (MULTIPART, "multipart/form-data; boundary=other"),
        (b"x=1", "application/x-www-form-urlencoded"),
        (b"a&" * (FORM_FIELDS_MAX + 1), "application/x-www-form-urlencoded"),
        (b"json=%7B", "application/x-www-form-urlencoded"),
    ],
)
def test_a_part_that_is_missing_or_broken_is_said(body: bytes, content_type: str) -> None:
    assert isinstance(read(body, content_type), Unparsed)


def test_a_token_that_is_the_body_gives_its_claims() -> None:
    scheme = catalog.scheme("kinde")
    private, _ = make_pair(Family.RSA)
    settings = {"issuer": "https://name.kinde.com"}
    body = json.dumps({"type": "user.created", "event_id": "e1"}).encode()

    signed = sign(scheme, RawRequest(body=body), private, now=NOW, settings=settings)

    found = unwrapped(scheme, signed)
    assert isinstance(found, Parsed)
    assert (found.value["type"], found.value["event_id"]) == ("user.created", "e1")


@pytest.mark.parametrize(
    "token", [b"", b"a.b", b"a.!.c", b"a.e30.c.d", b"." + base64.urlsafe_b64encode(b"\xff") + b"."]
)
def test_what_is_no_token_is_said(token: bytes) -> None:
    assert isinstance(claims_of(token), Unparsed)


@given(st.binary(max_size=200), st.text(max_size=60))
def test_any_bytes_give_a_payload_or_a_reason(body: bytes, content_type: str) -> None:
    assert isinstance(read(body, content_type), Parsed | Unparsed)
    assert isinstance(claims_of(body), Parsed | Unparsed)


def test_json_is_put_where_the_scheme_carries_it() -> None:
    request = RawRequest(headers=Headers.of({"Content-Type": "application/json"}), body=b'{"a":1}')

    found = wrapped(IN_PART, request)

    assert found.headers.text("content-type") == FORM
    assert unwrapped(IN_PART, found) == Parsed({"a": 1})
    assert wrapped(IN_PART, found) == found
    assert wrapped(catalog.scheme("stripe"), request) == request


@pytest.mark.parametrize(
    ("read_as", "body", "expected"),
    [
        ("json", b"a=1", JSON),
        ("form", b"", FORM),
        ("json-or-form", b"a=1", FORM),
        ("json-or-form", b'{"a":"="}', JSON),
        ("json-or-form", b"", JSON),
        ("any", b"text", JSON),
    ],
)
def test_a_body_gets_the_content_type_its_sender_would_give_it(
    read_as: str, body: bytes, expected: str
) -> None:
    assert likely_type(read_as, body) == expected
