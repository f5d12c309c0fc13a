"""Pure: named parameters in SQL, and nothing that only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.actions.statement import StatementError, parse_statement


@pytest.mark.parametrize(
    ("text", "postgres", "names"),
    [
        ("SELECT :a, :b_2, :a", "SELECT %(a)s, %(b_2)s, %(a)s", ("a", "b_2")),
        ("SELECT ':no', \":no\", :a", "SELECT ':no', \":no\", %(a)s", ("a",)),
        ("SELECT 'it''s :no' || :a", "SELECT 'it''s :no' || %(a)s", ("a",)),
        ("SELECT :a::text", "SELECT %(a)s::text", ("a",)),
        ("SELECT 5 % 2 -- :no 100%\n, :a", "SELECT 5 %% 2 -- :no 100%%\n, %(a)s", ("a",)),
        ("SELECT /* :no ; */ :a;", "SELECT /* :no ; */ %(a)s;", ("a",)),
        ("SELECT $$:no;$$, $t$:no$t$, :a", "SELECT $$:no;$$, $t$:no$t$, %(a)s", ("a",)),
        ("SELECT '10:30', x[1:2]", "SELECT '10:30', x[1:2]", ()),
    ],
)
def test_parameters_are_found_where_they_are_parameters(text, postgres, names):
    statement = parse_statement(text)

    assert (statement.for_sqlite, statement.for_postgres, statement.names) == (
        text,
        postgres,
        names,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1; DROP TABLE x", "one statement"),
        ("SELECT 'open", "not closed"),
        ("SELECT /* open", "not closed"),
        ("  ;", "empty"),
        ("", "empty"),
    ],
)
def test_what_is_not_one_statement_is_told(text, message):
    with pytest.raises(StatementError, match=message):
        parse_statement(text)


@given(st.text(alphabet="ab:;'\"-*/$%\n ", max_size=40))
def test_any_text_is_a_statement_or_an_error(text):
    try:
        parse_statement(text)
    except StatementError:
        return
