"""Pure: every key and value of a valid TOML file has its place, and a reader reports everything."""

import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from hookagent.errors import ConfigError, Problem
from hookagent.located import Table, parse, parse_duration, parse_size

TEXT = '''# a comment with [brackets] and "quotes"
[server]
host = "x"  # after
port = [1, { a = "b", c.d = 3 }, """x
y\\"""]"""]
'quoted key'."and more" = 1979-05-27

[[rule.x.do]]
action = 'log'
[[rule.x.do]]
action = "file"
[[rule.x.do.inner]]
n = 1

[rule.x.when]
"a.b" = true
'''

values = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=10,
)


def leaves(value, where=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*where, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from leaves(item, (*where, place))
    else:
        yield where, value


def test_values_and_keys_know_their_line_and_column():
    document = parse(TEXT, "t.toml")

    assert document.place_of_value(("server", "host")) == (3, 8)
    assert document.place_of_value(("server", "port", 1, "a")) == (4, 18)
    assert document.place_of_value(("server", "port", 1, "c", "d")) == (4, 29)
    assert document.place_of_key(("server", "quoted key", "and more")) == (6, 14)
    assert document.place_of_value(("rule", "x", "do", 1, "action")) == (11, 10)
    assert document.place_of_value(("rule", "x", "do", 1, "inner", 0, "n")) == (13, 5)
    assert document.place_of_value(("rule", "x", "when", "a.b")) == (16, 9)
    assert document.place_of_key(("rule", "x", "nowhere")) == (8, 1)


@given(st.dictionaries(st.text(max_size=4), values, max_size=4), st.booleans())
def test_every_scalar_of_any_document_is_found_where_it_stands(data, multiline):
    text = tomli_w.dumps(data, multiline_strings=multiline)
    document = parse(text, "t.toml")
    lines = text.replace("\r\n", "\n").split("\n")

    for where, value in leaves(document.data):
        line, column = document.place_of_value(where)
        rest = lines[line - 1][column - 1 :]
        if isinstance(value, bool):
            assert rest.startswith(str(value).lower())
        elif isinstance(value, int):
            assert rest.startswith(str(value))
        elif isinstance(value, str):
            assert rest.startswith('"')


@given(st.text(max_size=60))
def test_any_text_is_a_document_or_a_config_error_with_a_place(text):
    try:
        parse(text, "t.toml")
    except ConfigError as error:
        (problem,) = error.problems
        assert problem.file == "t.toml"
        assert problem.line is not None
        assert problem.line >= 1


def test_a_syntax_error_has_its_place_and_a_hint():
    with pytest.raises(ConfigError) as caught:
        parse("a = 1\nb = hello\n", "t.toml")

    (problem,) = caught.value.problems
    assert problem.place == "t.toml:2:5"
    assert problem.hint == 'text needs quotes: key = "text"'


def test_a_reader_reports_every_problem_and_goes_on():
    problems: list[Problem] = []
    text = 'name = 1\nsize = true\nmode = "fsat"\nlist = ["a", 2]\nprot = 1\n'
    table = Table.root(parse(text, "t.toml"), problems)

    assert table.text("name", "x") == "x"
    assert table.integer("size", 3) == 3
    assert table.choice("mode", "slow", ["fast", "slow"]) == "slow"
    assert table.texts("list") == ()
    assert table.integer("port", 1) == 1
    assert table.text("missing", required=True) == ""
    table.finish()

    assert [(p.code, p.line, p.column) for p in problems] == [
        ("wrong-type", 1, 8),
        ("wrong-type", 2, 8),
        ("unknown-value", 3, 8),
        ("wrong-type", 4, 14),
        ("missing-key", 1, 1),
        ("unknown-key", 5, 1),
    ]
    assert problems[3].message == "`list` holds strings, not a number"
    assert problems[2].hint == "did you mean `fast`?"
    assert problems[-1].hint == "did you mean `port`?"


def test_named_tables_and_arrays_of_tables_are_read_one_by_one():
    problems: list[Problem] = []
    root = Table.root(parse(TEXT, "t.toml"), problems)

    ((name, rule),) = root.named("rule")

    assert name == "x"
    assert [step.text("action") for step in rule.tables("do")] == ["log", "file"]
    assert problems == []


def test_a_document_says_the_same_as_tomllib():
    assert parse(TEXT, "t.toml").data == tomllib.loads(TEXT)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("90s", 90_000),
        ("1h30m", 5_400_000),
        ("250ms", 250),
        ("7d", 604_800_000),
        ("1.5s", 1500),
        ("2w", 1_209_600_000),
        ("", None),
        ("5", None),
        ("5 minutes", None),
        ("-5s", None),
    ],
)
def test_durations(text, milliseconds):
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1 MiB", 1_048_576),
        ("64KiB", 65_536),
        ("500", 500),
        ("1.5 kB", 1500),
        ("2 GB", 2_000_000_000),
        ("big", None),
        ("-1", None),
        ("1 mib", None),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


def test_a_key_that_is_known_need_not_be_looked_at():
    problems: list[Problem] = []
    table = Table.root(parse("retry = 1\nretyr = 2", "a.toml"), problems)
    table.know(["retry"])
    table.finish()
    assert [(it.code, it.hint) for it in problems] == [("unknown-key", "did you mean `retry`?")]
