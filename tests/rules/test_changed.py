"""What an event says about former values."""

import pytest
from hypothesis import given

from hookagent.lookup import parse_path
from hookagent.rules.changed import conventional, former, same
from tests.rules.generated import payloads


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("data.object.a.b", ["data.previous_attributes.a.b", "changes.object.a.b", "changes.data.object.a.b", "updatedFrom.object.a.b", "previous.object.a.b"]),
        ("issue.title", ["changes.title", "changes.issue.title"]),
        ("repository", ["changes.repository"]),
        ("issue.fields.status.name", ["changes.fields.status.name", "changes.issue.fields.status.name", "changelog.items.field"]),
        ("event.current", ["changes.current", "changes.event.current", "event.previous"]),
    ],
)  # fmt: skip
def test_each_shape_leads_to_its_places(path, places):
    assert [place.reference.text for place in conventional(parse_path(path))] == places


def test_the_former_value_can_be_shown():
    document = {"issue": {"title": "b"}, "changes": {"title": {"from": "a"}}}

    assert former(parse_path("issue.title"), document) == [{"from": "a"}]


@given(payloads)
def test_a_value_is_the_same_as_itself(value):
    assert same(value, value)


def test_sameness_is_strict():
    assert same({"a": [1]}, {"a": [1.0]})
    assert not any(same(*pair) for pair in [(1, True), (0, False), (1, "1")])
    assert not same([0], [False])
    assert not same({"a": 1}, {"a": 1, "b": 1})
