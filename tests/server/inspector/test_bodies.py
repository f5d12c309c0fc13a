"""Pure: where a body stops being JSON."""

import pytest

from hookagent.event import Headers, RawRequest
from hookagent.server.inspector.bodies import body_info

JSON = Headers.of({"Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [(b'{"a": 1,\n "b": }', 2, 7), (b'{"a"', 1, 5), (b'{"\xc3\xa4": x}', 1, 7)],
)
def test_the_place_of_a_json_error_is_said_in_lines_and_characters(body, line, column):
    error = body_info(None, RawRequest(body=body, headers=JSON))["error"]

    assert (error["line"], error["column"]) == (line, column)


def test_a_form_a_good_body_and_one_that_promises_nothing_have_no_error():
    form = Headers.of({"Content-Type": "application/x-www-form-urlencoded"})

    assert body_info(None, RawRequest(body=b"a=1&b=2", headers=form))["error"] is None
    assert body_info(None, RawRequest(body=b"[1]"))["error"] is None
    assert body_info(None, RawRequest(body=b"\x00\x01"))["error"] is None
