"""What a condition looks at."""

import pytest
from hypothesis import given

from hookagent.lookup import PathError
from hookagent.rules.scope import ITSELF, Scope, elements, read_reference, relative
from tests.rules.events import make_event
from tests.rules.generated import payloads


def test_an_element_is_reached_by_item():
    scope = Scope(make_event({"a": 1}), {"a": 2, "b": [3]})

    assert scope.values(read_reference("a")) == [1]
    assert scope.values(read_reference("@item.a")) == [2]
    assert scope.values(read_reference("@item['a']")) == [2]
    assert scope.values(relative("b[0]")) == [3]
    assert scope.values(relative("@type")) == ["push"]
    assert scope.values(ITSELF) == [{"a": 2, "b": [3]}]
    assert Scope(make_event({})).values(ITSELF) == []


def test_what_is_no_path_is_refused():
    with pytest.raises(PathError):
        read_reference("@item.")


@given(payloads)
def test_elements_are_never_lists(value):
    assert not any(isinstance(element, list) for element in elements([value]))


def test_elements_keep_their_order():
    assert elements([1, [2, [3, []], 4], {"a": [5]}]) == [1, 2, 3, 4, {"a": [5]}]
