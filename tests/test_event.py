"""Pure: headers keep what came, ids sort by time, keys come from what was signed."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from hookagent.event import Event, Headers, RawRequest, content_key, new_id
from hookagent.verdict import Code, Verdict

names = st.binary(min_size=1, max_size=10).filter(lambda name: not set(name) & set(b":\n\r\0"))
field_values = st.binary(max_size=20).filter(lambda value: not set(value) & set(b"\n\r\0"))


@given(st.lists(st.tuples(names, field_values), max_size=8))
def test_packed_headers_unpack_to_the_same_bytes_in_the_same_order(pairs):
    headers = Headers(pairs)

    assert Headers.unpack(headers.pack()) == headers
    assert [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()] == pairs


def test_lookup_ignores_case_and_keeps_doubles():
    headers = Headers([(b"X-Sig", b"one"), (b"x-sig", b"two"), (b"Other", b"\xff")])

    assert headers.all("X-SIG") == [b"one", b"two"]
    assert headers.text("x-sig") == "one"
    assert headers.text("none") is None
    assert "other" in headers
    assert headers.without("X-sig") == Headers([(b"Other", b"\xff")])


def test_replacing_a_field_removes_every_double_of_it():
    headers = Headers([(b"X-Sig", b"one"), (b"x-sig", b"two"), (b"A", b"b")])

    assert headers.with_fields({"x-SIG": "three"}).pairs == ((b"A", b"b"), (b"x-SIG", b"three"))


def test_a_header_value_never_shows_in_a_repr():
    assert "hunter2" not in repr(Headers.of({"Authorization": "hunter2"}))


def test_ids_sort_by_time_and_have_one_form():
    early, late = new_id("evt", 1_000, 2**48 - 1), new_id("evt", 1_001, 0)

    assert early < late
    assert len(early) == len("evt_") + 24


def test_the_content_key_is_what_was_signed_else_the_whole_delivery():
    request = RawRequest(method="POST", target="/x", body=b"{}")
    signed = Verdict(valid=True, scheme="s", code=Code.OK, content_key=b"k")
    unsigned = Verdict(valid=True, scheme="none", code=Code.UNCHECKED)

    assert content_key(request, signed) == b"k"
    assert content_key(request, unsigned) == sha256(b"POST\n/x\n{}").digest()


def test_a_request_splits_its_target_and_joins_its_url():
    request = RawRequest(target="/a/b?x=1?2", base_url="https://example.test")

    assert (request.path, request.query) == ("/a/b", "x=1?2")
    assert request.url == "https://example.test/a/b?x=1?2"


def test_an_event_takes_its_time_from_its_request():
    event = Event(
        id="evt_1",
        source="s",
        request=RawRequest(received_at=7),
        verdict=Verdict(valid=True, scheme="none", code=Code.UNCHECKED),
    )

    assert event.received_at == 7
