"""Expressions: read by our own parser, total on any event. Their meaning is in docs/rules.md."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.rules.expressions import (
    DEPTH_MAX,
    LENGTH_MAX,
    ExpressionError,
    Literal,
    evaluate,
    is_true,
    names,
    parse_expression,
)
from hookagent.rules.scope import Scope
from tests.rules.events import make_event
from tests.rules.generated import documents

SCOPE = Scope(make_event({}))


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("a +", 3),
        ("a b", 2),
        ("(a", 2),
        ("a)", 1),
        ("* a", 0),
        ("a # b", 2),
        ("a..b > 1", 1),
        ("@nothing == 1", 1),
        ("len(a", 5),
        ("a < b < c", 6),
        ("'open", 0),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text, position):
    with pytest.raises(ExpressionError) as raised:
        parse_expression(text)

    assert raised.value.position == position


def test_length_and_depth_have_an_end():
    with pytest.raises(ExpressionError, match="longer than"):
        parse_expression("1" * (LENGTH_MAX + 1))
    with pytest.raises(ExpressionError, match="nested deeper"):
        parse_expression("(" * (DEPTH_MAX + 1) + "1" + ")" * (DEPTH_MAX + 1))
    long_chain = "+".join(["1"] * (LENGTH_MAX // 2))
    assert evaluate(parse_expression(long_chain).root, SCOPE) == LENGTH_MAX // 2
    assert hash(parse_expression(long_chain))


@given(
    st.text(alphabet="ab.()[]+-*/%<>=! 019'\"@", max_size=30),
    documents,
)
def test_any_text_is_read_or_refused_and_any_event_gives_an_answer(text, payload):
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017 - either is fine
        return
    assert is_true(expression, Scope(make_event(payload))) in {True, False}


@given(st.recursive(
    st.sampled_from(["a", "b", "1", "0", "2.5", "'x'", "true", "null"]),
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from(["+", "-", "*", "/", "%", "<", "==", "and", "or"]), part)
        .map(lambda it: f"({it[0]} {it[1]} {it[2]})"),
        part.map(lambda it: f"(not ({it}))"),
        part.map(lambda it: f"-({it})"),
        part.map(lambda it: f"len({it})"),
    ),
    max_leaves=6,
), documents)  # fmt: skip
def test_well_formed_expressions_are_total(text, payload):
    is_true(parse_expression(text), Scope(make_event(payload)))


def test_huge_numbers_stay_bounded():
    event = make_event({"a": 10**300})

    assert is_true(parse_expression("a > 1"), Scope(event))
    assert not is_true(parse_expression("a * a > 1"), Scope(event))
    assert not is_true(parse_expression("a * a <= 1"), Scope(event))


def test_literals_keep_their_types():
    assert parse_expression("1").root == Literal(1)
    assert parse_expression("true").root != Literal(1)
    assert parse_expression(r"'it\'s'").root == Literal("it's")


def test_its_names_are_known():
    expression = parse_expression("a.b + len(@query.x) > ['c d'] and not e[0]")

    assert [reference.text for reference in names(expression.root)] == [
        "a.b",
        "@query.x",
        "['c d']",
        "e[0]",
    ]
