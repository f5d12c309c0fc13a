"""Formats are told apart by their looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.rules.importing import FORMATS, CannotImport, guess
from hookagent.rules.parse import read_rules


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ([{"id": "a", "execute-command": "x"}], "adnanh"),
        ({"id": "a", "execute-command": "x"}, "adnanh"),
        ({"source": ["aws.s3"]}, "eventbridge"),
        ({"body": {"a": 1}}, "hookdeck"),
        ({"a": {"$gt": 1}}, "hookdeck"),
        ({"a": 1}, None),
        ("x", None),
    ],
)
def test_a_format_is_guessed(document, kind):
    assert guess(document) == kind


WORDS = [
    "a", "b", "$or", "$and", "$not", "$ref", "$gt", "prefix", "anything-but", "numeric", "id", "execute-command",
    "trigger-rule", "match", "and", "not", "type", "value", "parameter", "source", "payload", "name", ">", "x",
]  # fmt: skip
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(WORDS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", FORMATS)
@given(document=documents)
def test_any_document_becomes_rules_that_read_back_or_is_refused(kind, document):
    try:
        found = FORMATS[kind](document, "r")
    except CannotImport as error:
        assert str(error)  # noqa: PT017 - either is fine
        return
    assert read_rules([("r.toml", found.text)]).rules
