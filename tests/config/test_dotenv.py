"""`.env`, pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.config.dotenv import parse


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("A=b", "A", "b"),
        ("  export A = b ", "A", "b"),
        ("A=", "A", ""),
        ("A=b c # comment", "A", "b c"),
        ("A=b#c", "A", "b#c"),
        ("A= # only a comment", "A", ""),
        ("A='b # c $D \\n'  # comment", "A", "b # c $D \\n"),
        (r'A="b\n\"c\" \\ \$"', "A", 'b\n"c" \\ $'),
        ("A=it's", "A", "it's"),
        ("A=postgres://u:p@h/d?x=1&y=2", "A", "postgres://u:p@h/d?x=1&y=2"),
    ],
)
def test_a_line_is_read(line, name, value):
    assert parse(line, ".env") == ({name: value}, [])


@pytest.mark.parametrize("line", ["A", "1A=b", "A='b", 'A="b', "A-B=c", "A='b' c"])
def test_another_line_is_a_problem_with_its_place(line):
    values, problems = parse(f"# first\n\n  {line}\nB=2", ".env")

    assert values == {"B": "2"}
    assert [(one.code, one.line, one.column) for one in problems] == [("env-syntax", 3, 3)]


def test_a_later_line_wins():
    assert parse("A=1\r\nA=2\r\n", ".env")[0] == {"A": "2"}


@given(st.text())
def test_any_text_is_read(text):
    values, problems = parse(text, ".env")

    assert all(isinstance(value, str) for value in values.values())
    assert all(problem.line for problem in problems)


@given(
    st.text().filter(
        lambda text: (
            "'" not in text
            and len(text.splitlines()) < 2
            and not text.endswith(tuple("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"))
        )
    )
)
def test_single_quotes_keep_everything(text):
    assert parse(f"A='{text}'", ".env")[0] == {"A": text}
