"""Shapes of past events."""

from hookagent.rules.observed import observe
from tests.rules.events import make_event


def test_paths_are_counted_by_source_and_type():
    kinds = observe(
        [
            make_event({"a": [{"b": 1}]}),
            make_event({"a": 1}),
            make_event({"c": 1}, type="x"),
            make_event(None, type="x"),
        ],
    )

    assert kinds["github", "push"].count == 2
    assert kinds["github", "push"].paths == {"a": 2, "a.b": 1}
    assert kinds["github", "x"].count == 2
