"""Pure: payloads are edited by path and signed anew; what cannot be done says so."""

import pytest

from hookagent.errors import UsageError
from hookagent.event import Headers, RawRequest
from hookagent.pipeline.replay import at_source, edited, parse_remove, parse_set, resigned
from tests.pipeline.conftest import NOW


@pytest.mark.parametrize(
    ("edit", "body"),
    [
        (parse_set("a=2"), b'{"a":2,"l":[{"x":1}]}'),
        (parse_set("a=two"), b'{"a":"two","l":[{"x":1}]}'),
        (parse_set('a="2"'), b'{"a":"2","l":[{"x":1}]}'),
        (parse_set("l[0].x=null"), b'{"a":1,"l":[{"x":null}]}'),
        (parse_set("new.deep=true"), b'{"a":1,"l":[{"x":1}],"new":{"deep":true}}'),
        (parse_remove("l[0].x"), b'{"a":1,"l":[{}]}'),
        (parse_remove("l[0]"), b'{"a":1,"l":[]}'),
        (parse_remove("nothing.here"), b'{"a":1,"l":[{"x":1}]}'),
    ],
)
def test_one_edit_changes_one_place(edit, body):
    assert edited(RawRequest(body=b'{"a":1,"l":[{"x":1}]}'), [edit]).body == body


@pytest.mark.parametrize("edit", [parse_set("a.b=1"), parse_set("l[7]=1"), parse_set("a[0]=1")])
def test_what_is_not_there_cannot_be_set(edit):
    with pytest.raises(UsageError):
        edited(RawRequest(body=b'{"a":1,"l":[]}'), [edit])


def test_without_edits_the_bytes_stay_as_they_are():
    request = RawRequest(body=b'{ "a" : 1.0 }')

    assert edited(request, []) is request


@pytest.mark.parametrize("text", ["a", "=1", "a..b=1"])
def test_a_broken_edit_is_a_usage_error(text):
    with pytest.raises(UsageError):
        parse_set(text)


def test_a_body_that_is_not_json_cannot_be_edited():
    with pytest.raises(UsageError, match="not JSON"):
        edited(RawRequest(body=b"a=1"), [parse_set("a=2")])


def test_a_resigned_request_is_genuine_at_its_source(gate):
    request = at_source(RawRequest(target="/old?x=1", body=b'{"id":"1"}'), gate.source)

    signed = resigned(request, gate.source, now=NOW)

    assert signed.target == "/hooks/shop?x=1"
    assert gate.verifier.verify(signed, NOW).valid


def test_a_form_is_changed_field_by_field_in_its_place():
    form = Headers.of({"Content-Type": "application/x-www-form-urlencoded"})
    request = RawRequest(headers=form, body=b"a=1&b=2&b=3&c=%FF")
    edits = [parse_set("b=x y"), parse_set("n=5"), parse_remove("a")]

    assert edited(request, edits).body == b"b=x+y&c=%FF&n=5"
