"""Pure: references name payload, headers, query and envelope, and resolve on anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Event, Headers, RawRequest
from hookagent.lookup import PathError
from hookagent.subject import ENVELOPE, WrongReference, parse_reference, request_values, values
from hookagent.verdict import Code, Integrity, Verdict

EVENT = Event(
    id="evt_1",
    source="github",
    type="push",
    request=RawRequest(
        target="/hooks/github?x=1&x=2&y=%20",
        headers=Headers([(b"X-Event", b"push"), (b"x-event", b"\xff")]),
        client_ip="192.0.2.1",
        received_at=1_000,
    ),
    verdict=Verdict(valid=True, scheme="github", code=Code.OK, integrity=Integrity.BODY),
    payload={"a": [{"b": 1}, {"b": 2}]},
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b", [1, 2]),
        ("a[1].b", [2]),
        ("@headers.X-Event", ["push", "�"]),
        ("@headers.none", []),
        ("@query.x", ["1", "2"]),
        ("@query.y", [" "]),
        ("@source", ["github"]),
        ("@type", ["push"]),
        ("@method", ["POST"]),
        ("@path", ["/hooks/github"]),
        ("@client_ip", ["192.0.2.1"]),
        ("@received_at", ["1970-01-01T00:00:01.000Z"]),
        ("@integrity", ["body-signed"]),
        ("@origin", ["live"]),
        ("@id", ["evt_1"]),
    ],
)
def test_a_reference_reaches_its_values(text, found):
    assert values(parse_reference(text), EVENT) == found


@pytest.mark.parametrize("text", ["@headers", "@headers.", "@nope", "@source.x", "", "a..b"])
def test_a_broken_reference_is_refused(text):
    with pytest.raises(PathError):
        parse_reference(text)


def test_a_mistyped_part_of_the_envelope_gets_a_hint():
    with pytest.raises(WrongReference) as caught:
        parse_reference("@integrty")

    assert caught.value.hint == "did you mean `integrity`?"


@given(
    st.sampled_from([*(f"@{name}" for name in ENVELOPE), "@headers.a", "@query.a", "a.b"]),
    st.binary(max_size=20),
    st.text(max_size=20),
)
def test_resolving_is_total(text, header, query):
    request = RawRequest(target=f"/?{query}", headers=Headers([(b"a", header)]))

    assert isinstance(request_values(parse_reference(text), request, None), list)


def test_an_empty_type_or_address_is_missing():
    bare = Event(id="e", source="s", request=RawRequest(), verdict=EVENT.verdict)

    assert values(parse_reference("@type"), bare) == []
    assert values(parse_reference("@client_ip"), bare) == []
    assert values(parse_reference("@body"), bare) == []


def test_the_body_is_the_text_that_came():
    request = RawRequest(body=b'<a n="1">\xff</a>')
    odd = Event(id="e", source="s", request=request, verdict=EVENT.verdict)

    assert values(parse_reference("@body"), odd) == ['<a n="1">\ufffd</a>']
