"""Pure: the messages of Svix's relay."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.tunnel.courier import Answer
from hookagent.tunnel.svix_wire import (
    TOKEN,
    Arrived,
    Started,
    answer_message,
    find_token,
    new_token,
    public_url,
    read,
    start_message,
)


def event(**data) -> str:
    return json.dumps({"type": "event", "version": 1, "data": {"id": "e", **data}})


def test_a_start_is_read_as_it_was_written():
    token = new_token()

    assert TOKEN.fullmatch(token)
    assert read(start_message(token)) == Started(token)


def test_a_request_keeps_its_bytes_and_headers():
    arrived = read(event(body=b64encode(b"\x00\xff").decode(), headers={"A": "1", "host": "h"}))

    assert isinstance(arrived, Arrived)
    assert arrived.request.body == b"\x00\xff"
    assert arrived.request.headers == (("A", "1"),)
    assert arrived.request.method == "POST"


def test_an_answer_has_the_form_the_relay_wants():
    message = json.loads(answer_message("e", Answer(status=202, headers=(("A", "1"),), body=b"ok")))

    assert message == {
        "type": "event",
        "version": 1,
        "data": {"id": "e", "status": 202, "headers": {"A": "1"}, "body": "b2s="},
    }


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"type":"event"}', '{"type":"event","version":2,"data":{"id":"e"}}',
        '{"type":"start","version":1,"data":{"token":"../x"}}',
        '{"type":"event","version":1,"data":{"id":1}}',
        '{"type":"event","version":1,"data":{"id":"e","method":"A B"}}',
        '{"type":"event","version":1,"data":{"id":"e","body":"%"}}',
    ],
)  # fmt: skip
def test_other_messages_are_none(text):
    assert read(text) is None


def test_a_token_is_found_in_its_address():
    assert find_token(public_url("c_0123456789") + "/") == "c_0123456789"
    assert find_token("https://play.svix.com/") == ""


@given(st.text() | st.binary())
def test_anything_is_read(text):
    assert isinstance(read(text), Started | Arrived | None)
