"""The signed bytes are made from the request exactly as it came."""

import gzip
import json
import zlib
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Headers, RawRequest
from hookagent.providers.canonical import canonical_json
from hookagent.providers.content import Given, compile_content
from hookagent.providers.refusal import Refusal
from hookagent.providers.signed import parse_template
from hookagent.providers.view import View
from hookagent.verdict import Code

BODY = "b=2&a=1&a=0&é".encode()
REQUEST = RawRequest(
    method="PoST",
    target="/p/q?z=1&a=%20&a=",
    headers=Headers.of({"X-One": "1", "X-Dotted": "a.b"}),
    body=BODY,
    base_url="https://me.example:8443",
)
GIVEN = Given(timestamp=b"17", id=b"m", secret=b"k")


def render(text: str, request: RawRequest = REQUEST) -> bytes:
    view = View(request, {"name": "set"})
    return compile_content(parse_template(text))(view, GIVEN)


@pytest.mark.parametrize(
    ("template", "content"),
    [
        ("{body}", BODY),
        ("v0:{timestamp}:{body}", b"v0:17:" + BODY),
        ("{id}{secret}{config:name}", b"mkset"),
        ("{method} {method_lower}", b"PoST post"),
        ("{url}", b"https://me.example:8443/p/q?z=1&a=%20&a="),
        ("{target}|{path}|{query}|{host}", b"/p/q?z=1&a=%20&a=|/p/q|z=1&a=%20&a=|me.example:8443"),
        ("{query_sorted}", b"a=%20&a=&z=1"),
        ("{form_sorted}", b"a0a1b2\xc3\xa9"),
        ("{header:x-one}{query:z}{form:b}", b"112"),
        ("{header:x-two?}.{query:no?}{form:no?}{json:no?}", b"."),
        ("{body_crc32}", str(zlib.crc32(BODY)).encode()),
        ("{body_sha256}", sha256(BODY).digest()),
        ("{body_sha256_hex}", sha256(BODY).hexdigest().encode()),
        ("{body_inflated}", BODY),
    ],
)
def test_every_placeholder(template: str, content: bytes) -> None:
    assert render(template) == content


@pytest.mark.parametrize(
    "template", ["{header:x-two}", "{query:a}", "{form:a}", "{json:a}", "{config:no}", "{body_jcs}"]
)
def test_a_missing_or_doubled_part_is_refused(template: str) -> None:
    with pytest.raises(Refusal):
        render(template)


def test_a_value_may_not_hold_the_character_that_ends_it() -> None:
    with pytest.raises(Refusal) as caught:
        render("{header:x-dotted}.{body}")
    assert caught.value.code is Code.MALFORMED
    assert render("{header:x-dotted}{body}").startswith(b"a.b")


def inflate(body: bytes, encoding: str = "gzip") -> bytes:
    headers = Headers.of({"Content-Encoding": encoding})
    return render("{body_inflated}", RawRequest(headers=headers, body=body))


def test_a_compressed_body_is_inflated_within_bounds() -> None:
    assert inflate(gzip.compress(b"text")) == b"text"
    assert inflate(b"text", "identity") == b"text"
    for bad in (
        b"text",
        gzip.compress(b"text")[:-4],
        gzip.compress(b"text") + b"x",
        gzip.compress(bytes(26 * 1024 * 1024)),
    ):
        with pytest.raises(Refusal):
            inflate(bad)


def test_the_canonical_form_of_the_specification() -> None:
    """RFC 8785 section 3.2.2, its own example."""
    value = json.loads(
        '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}'
    )
    assert (
        canonical_json(value)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, b"0"),
        (-0.0, b"0"),
        (1e21, b"1e+21"),
        (1e20, b"100000000000000000000"),
        (1e-6, b"0.000001"),
        (1e-7, b"1e-7"),
        (123456.789, b"123456.789"),
        (-1.5, b"-1.5"),
        (5e-324, b"5e-324"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (9007199254740992.0, b"9007199254740992"),
        (float("inf"), None),
        (2**53 + 1, b"9007199254740992"),
        (10**400, None),
    ],
)
def test_numbers_are_written_as_ecmascript_does(number: float, text: bytes | None) -> None:
    assert canonical_json(number) == text


def test_members_are_sorted_by_utf_16_units() -> None:
    assert (
        canonical_json({"\ufb33": 1, "\U0001f600": 2, "a": 3})
        == '{"a":3,"😀":2,"\ufb33":1}'.encode()
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(JSON)
def test_the_canonical_form_reads_back_and_is_its_own_form(value: object) -> None:
    text = canonical_json(value)
    assert text is not None
    assert canonical_json(json.loads(text)) == text
