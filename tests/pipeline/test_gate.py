"""Pure: what a source makes of a delivery: its type and its identity."""

from dataclasses import replace

import msgspec

from hookagent.event import Headers, RawRequest
from hookagent.pipeline.answer import Answer
from hookagent.pipeline.gate import KEY_BYTES_MAX, TYPE_LENGTH_MAX, Gate, type_of, value_of
from hookagent.providers.exchange import HandshakeRule
from hookagent.subject import parse_reference
from hookagent.verdict import Code, Verdict

VERDICT = Verdict(valid=True, scheme="s", code=Code.OK, content_key=b"signed")


def with_source(gate, **changes):
    return Gate(replace(gate.source, **changes), gate.verifier, None)


def test_a_type_of_several_parts_is_joined_and_missing_parts_are_left_out(gate):
    source = replace(
        gate.source, type=(parse_reference("@headers.x-event"), parse_reference("action"))
    )
    request = RawRequest(headers=Headers.of({"X-Event": "issues"}))

    assert type_of(source, request, {"action": "opened"}) == "issues.opened"
    assert type_of(source, request, {}) == "issues"
    assert type_of(source, RawRequest(), {"action": {"a": 1}}) == ""


def test_a_type_is_a_name_however_long_the_sender_makes_it(gate):
    assert len(type_of(gate.source, RawRequest(), {"type": "x" * 10_000})) == TYPE_LENGTH_MAX


def test_several_fields_make_one_identity_and_types_are_told_apart(gate):
    both = with_source(gate, dedup=(parse_reference("a"), parse_reference("b")))
    keys = [
        both.key_of(RawRequest(), value, VERDICT)
        for value in ({"a": 1, "b": 2}, {"a": "1", "b": 2}, {"a": 12, "b": ""})
    ]

    assert len(set(keys)) == 3


def test_a_missing_field_falls_back_to_what_was_signed(gate):
    assert gate.key_of(RawRequest(), {"other": 1}, VERDICT) == b"signed"
    assert gate.key_of(RawRequest(), None, VERDICT) == b"signed"


def test_a_huge_identity_is_hashed(gate):
    key = gate.key_of(RawRequest(), {"id": "x" * 100_000}, VERDICT)

    assert len(key) <= KEY_BYTES_MAX


def test_a_form_source_reads_a_form_whatever_the_sender_calls_it(gate):
    form = replace(gate.source, body="form")
    request = RawRequest(headers=Headers.of({"Content-Type": "application/json"}), body=b"a=1")

    assert value_of(form, request) == {"a": "1"}
    assert value_of(gate.source, RawRequest(body=b"nope")) is None


def test_the_content_type_counts_only_where_the_source_says_so(gate):
    form = Headers.of({"Content-Type": "application/x-www-form-urlencoded"})
    request = RawRequest(headers=form, body=b"a=1")

    assert value_of(gate.source, request) is None
    assert value_of(replace(gate.source, body="any"), request) == {"a": "1"}
    assert value_of(None, request) == {"a": "1"}


def test_json_inside_a_form_is_the_payload_where_the_scheme_says_so(gate):
    scheme = msgspec.structs.replace(gate.source.scheme, json_part="events")
    source = replace(gate.source, scheme=scheme, body="form")
    form = Headers.of({"Content-Type": "application/x-www-form-urlencoded"})
    request = RawRequest(headers=form, body=b"events=%5B%7B%22id%22%3A1%7D%5D&x=1")

    assert value_of(source, request) == [{"id": 1}]
    assert value_of(source, RawRequest(headers=form, body=b"x=1")) is None


def test_a_header_that_the_provider_wants_back_goes_into_the_answer(gate):
    echoing = with_source(gate, handshakes=(HandshakeRule(kind="echo-header", header="X-Client"),))
    request = RawRequest(headers=Headers.of({"x-client": "abc"}))
    twice = RawRequest(headers=Headers.of([("x-client", "a"), ("x-client", "b")]))

    assert gate.echo == ""
    assert echoing.echoed(Answer(200), request).headers == (("X-Client", "abc"),)
    assert echoing.echoed(Answer(200), twice).headers == ()
