"""Pure: what a reference in a template reaches."""

from hookagent.subject import parse_reference


def found(scope, text):
    return scope.find(parse_reference(text))


def test_a_path_reaches_into_the_payload(scope):
    assert found(scope({"a": [{"b": 1}, {"b": 2}]}), "a.b") == [1, 2]


def test_an_at_sign_reaches_the_envelope(scope):
    assert found(scope({}, headers={"X-Kind": "new"}), "@headers.x-kind") == ["new"]


def test_the_output_of_an_earlier_step_is_reached_by_its_name(scope):
    assert found(scope({}, steps={"create": {"id": 7}}), "steps.create.output.id") == [7]


def test_a_step_that_left_nothing_is_missing(scope):
    assert found(scope({"steps": {"x": {"output": 1}}}), "steps.x.output") == []


def test_facts_of_a_condition_over_time_go_before_the_payload(scope):
    payload = {"key": {"host": "payload"}, "window": 5}

    assert found(scope(payload, facts={"key": {"host": "fact"}}), "key.host") == ["fact"]
    assert found(scope(payload), "key.host") == ["payload"]
    assert found(scope(payload), "window") == [5]


def test_a_quoted_first_name_always_means_the_payload(scope):
    assert found(scope({"key": {"host": "p"}}, facts={"key": {"host": "f"}}), "['key'].host") == [
        "p"
    ]
