"""Pure: where two deliveries differ, and which differences say nothing."""

import pytest

from hookagent.event import Headers, RawRequest
from hookagent.pipeline.comparing import differences, is_volatile


def request(body, **headers):
    fields = {"Content-Type": "application/json", **headers}
    return RawRequest(body=body.encode(), headers=Headers.of(fields))


def test_values_differ_by_path():
    found = differences(
        request('{"a": 1, "b": [1, {"c": null}], "d": 1}'),
        request('{"a": 1.0, "b": [2, {"c": 0}], "e": 1}'),
    )

    assert found == [
        ("a", "1", "1.0"),
        ("b[0]", "1", "2"),
        ("b[1].c", "null", "0"),
        ("d", "1", "-"),
        ("e", "-", "1"),
    ]


def test_headers_of_the_connection_and_signatures_do_not_count():
    found = differences(
        request("{}", Date="a", **{"X-Hub-Signature": "1", "X-Kind": "push"}),
        request("{}", Date="b", **{"X-Hub-Signature": "2", "X-Kind": "pull"}),
    )

    assert found == [("@headers.x-kind", "push", "pull")]


def test_bodies_that_are_not_json_differ_as_a_whole():
    assert differences(request("{"), request("{}")) == [("body", "1 bytes", "2 bytes")]


@pytest.mark.parametrize(
    "path",
    ["id", "data.object.id", "items[0].order_id", "created", "data.updated_at", "orderId", "url.timestamp",
     "@headers.x-github-delivery-id"],
)  # fmt: skip
def test_an_id_or_a_time_on_both_sides_is_volatile(path):
    assert is_volatile(path, '"a"', '"b"')


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [("id", '"a"', "-"), ("created_at", '"a"', "null"), ("id", '"1"', "1"), ("amount", "1", "2"),
     ("paid", "true", "false"), ("@headers.x-event", "a", "b"), ("candid", '"a"', '"b"')],
)  # fmt: skip
def test_what_tells_something_is_not(path, before, after):
    assert not is_volatile(path, before, after)
