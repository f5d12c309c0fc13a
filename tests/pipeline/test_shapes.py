"""Pure: the fields of many payloads, and what is different between two sets of them."""

from hypothesis import given
from hypothesis import strategies as st

from hookagent.pipeline.shapes import FIELDS_MAX, changes, shape_of

PAYLOADS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
)


def said(shape):
    return {path: (f.present, f.missing, f.null, dict(f.types)) for path, f in shape.items()}


def test_each_field_is_counted_with_its_types():
    shape = shape_of([{"a": 1, "b": {"c": "x"}}, {"a": None, "b": {}}, {"a": "1"}])

    assert said(shape) == {
        "": (3, 0, 0, {"object": 3}),
        "a": (3, 0, 1, {"number": 1, "null": 1, "string": 1}),
        "b": (2, 1, 0, {"object": 2}),
        "b.c": (1, 1, 0, {"string": 1}),
    }


def test_elements_of_an_array_share_a_place():
    shape = shape_of([{"items": [{"sku": "a"}, {"sku": None, "n": 1}]}, {"items": []}])

    assert said(shape)["items[]"] == (2, 0, 0, {"object": 2})
    assert said(shape)["items[].sku"] == (2, 0, 1, {"string": 1, "null": 1})
    assert said(shape)["items[].n"] == (1, 1, 0, {"number": 1})


def test_true_is_no_number_and_names_with_dots_are_quoted():
    shape = shape_of([{"a.b": True, "c": {"d.e": 1}}])

    assert shape["['a.b']"].types == {"boolean": 1}
    assert shape["c['d.e']"].missing == 0


def test_what_changed_is_named():
    before = shape_of([{"id": 1, "old": "x", "customer": "c", "n": 1, "o": {"p": 1}}] * 3)
    after = shape_of(
        [
            {"id": 1, "new": {"deep": 1}, "customer": None, "n": "1"},
            {"id": 1, "customer": "c"},
        ]
    )

    found = {(one.what, one.path): (one.before, one.after) for one in changes(before, after)}

    assert found == {
        ("gone", "old"): ("string", "-"),
        ("gone", "o"): ("object", "-"),
        ("new", "new"): ("-", "object"),
        ("null", "customer"): ("never null", "null in 1 of 2"),
        ("type", "n"): ("number", "string"),
        ("missing", "n"): ("always there", "missing in 1 of 2"),
    }


@given(st.lists(PAYLOADS, max_size=5))
def test_any_payloads_have_a_shape_that_does_not_differ_from_itself(payloads):
    shape = shape_of(payloads)

    assert changes(shape, shape) == []
    for field in shape.values():
        assert field.present == sum(field.types.values())
        assert field.missing >= 0
        assert 0 <= field.null <= field.present


def test_the_number_of_fields_is_bounded():
    assert len(shape_of([{str(n): n for n in range(FIELDS_MAX * 2)}])) == FIELDS_MAX


def test_a_deep_payload_is_no_trouble():
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]

    assert len(shape_of([deep])) == FIELDS_MAX
