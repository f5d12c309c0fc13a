"""Pure: paths read, write and look up what they say, on any document."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.lookup import DEPTH_MAX, MISSING, PathError, find, first, format_path, parse_path

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
paths = st.lists(
    st.text(max_size=5).filter(lambda name: not ("'" in name and '"' in name)) | st.integers(-3, 3),
    min_size=1,
    max_size=5,
).map(tuple)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a.b[0].c", ("a", "b", 0, "c")),
        ("[0].a", (0, "a")),
        ("a[-1]", ("a", -1)),
        ("['a.b'].c", ("a.b", "c")),
        ('["it\'s"]', ("it's",)),
        ("data.object['customer id']", ("data", "object", "customer id")),
        ("größe.日本", ("größe", "日本")),
    ],
)
def test_a_path_is_read_as_written(text, path):
    assert parse_path(text) == path


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        (".a", 0),
        ("a.", 1),
        ("a..b", 1),
        ("a[", 1),
        ("a[x]", 2),
        ("a[].b", 1),
        ("a[*]", 1),
        ("a['b]", 1),
        ("a]b", 1),
        ("a[0]b", 4),
        ("a[1.5]", 2),
    ],
)
def test_a_broken_path_says_where(text, position):
    with pytest.raises(PathError) as caught:
        parse_path(text)

    assert caught.value.position == position


def test_signs_for_every_element_are_said_to_be_needless():
    with pytest.raises(PathError, match=r"leave `\[\]` out, a path goes into lists by itself"):
        parse_path("commits[].id")


def test_a_path_deeper_than_any_payload_is_refused():
    with pytest.raises(PathError):
        parse_path(".".join(["a"] * (DEPTH_MAX + 1)))


@given(paths)
def test_a_written_path_reads_back(path):
    assert parse_path(format_path(path)) == path


@given(st.text(max_size=30))
def test_reading_any_text_gives_a_path_or_a_path_error(text):
    try:
        parse_path(text)
    except PathError as error:
        position = error.position
    else:
        position = 0

    assert 0 <= position <= max(len(text), 1)


@given(paths, json_values)
def test_a_lookup_is_total_and_first_agrees_with_find(path, document):
    found = find(path, document)

    assert first(path, document) == (found[0] if found else MISSING) or found[0] != found[0]


def test_a_list_on_the_way_stands_for_its_elements():
    document = {"items": [{"sku": "a"}, {"sku": "b", "tags": [{"n": 1}, [{"n": 2}]]}]}

    assert find(("items", "sku"), document) == ["a", "b"]
    assert find(("items", 1, "sku"), document) == ["b"]
    assert find(("items", "tags", "n"), document) == [1, 2]
    assert find(("items", -1, "sku"), document) == ["b"]
    assert find(("items", 9), document) == []


def test_null_is_present_and_missing_is_not():
    assert first(("a",), {"a": None}) is None
    assert first(("b",), {"a": None}) is MISSING
    assert not MISSING
