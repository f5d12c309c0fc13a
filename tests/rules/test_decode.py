"""A partial decode finds what a full one finds."""

import json
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hookagent import payload
from hookagent.event import Event
from hookagent.lookup import find, parse_path
from hookagent.rules.decode import FIELDS_MAX, Decoder, find_in
from hookagent.rules.index import Matcher
from hookagent.subject import parse_reference
from tests.rules.index import pairs

NAMES = st.sampled_from(["a", "b", "a b", "class", "", 'q"uote', "é", "m_a", "0"])
STEPS = NAMES | st.integers(-2, 2)
PATHS = st.lists(st.lists(STEPS, min_size=1, max_size=4).map(tuple), max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=3)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(PATHS, VALUES)
def test_every_path_reaches_what_it_reaches_in_a_full_decode(paths, value):
    body = json.dumps(value).encode()
    document = Decoder(paths).decode(body)
    whole = msgspec.json.decode(body)
    for path in paths:
        assert find_in(path, document) == find(path, whole)


@given(st.binary(max_size=40))
def test_any_bytes_give_a_document(body):
    Decoder([("a", "b")]).decode(body)


def test_a_member_given_twice_counts_as_it_was_given_last():
    document = Decoder([("a", "b"), ("a", "c")]).decode(b'{"a":{"b":1},"a":{"c":2}}')
    assert find_in(("a", "b"), document) == []
    assert find_in(("a", "c"), document) == [2]


def test_numbers_beyond_64_bits_stay_what_a_full_decode_makes_of_them():
    body = b'{"a":{"n":36893488147419103233}}'
    document = Decoder([("a", "n")]).decode(body)
    assert find_in(("a", "n"), document) == find(("a", "n"), msgspec.json.decode(body))


def test_an_object_of_which_very_many_members_are_named_is_decoded_whole():
    many = [("a", f"f{number}") for number in range(FIELDS_MAX + 1)]
    assert Decoder(many).decode(b'{"a":{"x":1},"b":2}').m_a == {"x": 1}
    assert not Decoder([path[1:] for path in many]).is_partial
    assert not isinstance(Decoder(many[1:]).decode(b'{"a":{"x":1}}').m_a, dict)


def test_what_no_path_names_is_skipped():
    document = Decoder([("a",)]).decode(b'{"a":1,"b":{"c":2}}')
    assert find_in(("b", "c"), document) == []


def test_a_body_that_is_no_object_is_decoded_in_full():
    assert find_in(parse_path("a"), Decoder([("a",)]).decode(b'[{"a":1},{"a":2}]')) == [1, 2]


def test_hostile_nesting_is_no_document():
    assert Decoder([("a",)]).decode(b'{"b":' + b"[" * 100_000) is None


def test_a_decoder_keeps_what_else_is_asked_for():
    random = Random(3)
    decoders = Matcher(pairs.ruleset(random, 5)).decoders
    decoder = decoders.make("nowhere", also=[parse_reference("ticket.id")])
    assert find_in(("ticket", "id"), decoder.decode(b'{"ticket":{"id":7}}')) == [7]


def test_matching_bytes_gives_what_matching_the_payload_gives():
    for seed in range(60):
        random = Random(seed)
        matcher = Matcher(pairs.ruleset(random, random.choice((1, 8, 40))))
        for _ in range(10):
            made = pairs.event(random)
            body = json.dumps(made.payload).encode()
            read = payload.read_json(body)
            assert isinstance(read, payload.Parsed)
            event = replaced(made, body, read.value)
            undecoded = replaced(made, body, None)
            assert matcher.match_bytes(undecoded) == matcher.match(event), f"seed {seed}"


def replaced(event: Event, body: bytes, value: object) -> Event:
    request = msgspec.structs.replace(event.request, body=body)
    return msgspec.structs.replace(event, request=request, payload=value)
