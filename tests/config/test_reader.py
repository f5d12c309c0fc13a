"""Reading single values, pure; `test_sources` and `test_sections` have every problem's words."""

import pytest

from hookagent.config.reader import Reader, is_url
from hookagent.environment import Environment
from hookagent.located import Table, parse


def reader(text: str, **variables: str) -> Reader:
    return Reader(Table.root(parse(text, "f"), []), Environment(variables))


def test_variables_are_put_in_everywhere():
    read = reader(
        "a = '${X}'\nb = ['${X}', 'y']\nc = '${T}'\nd = '${S}'\ne = '${N}'\nf = '${X:-d}'",
        X="x",
        T="5s",
        S="1 KiB",
        N="10.0.0.0/8",
    )

    assert read.text("a") == "x"
    assert read.texts("b") == ("x", "y")
    assert read.duration("c", 1) == 5_000
    assert read.size("d", 1) == 1_024
    assert str(read.networks("e")[0]) == "10.0.0.0/8"
    assert read.text("f") == "x"
    assert read.table.problems == []


def test_what_is_left_out_is_the_default():
    read = reader("")

    assert read.text("a") is None
    assert read.texts("a") == ()
    assert read.duration("a", 7) == 7
    assert read.size("a", 8) == 8
    assert read.networks("a") == ()
    assert read.references("a") == ()
    assert read.url("a", "http") is None


def test_a_missing_variable_has_its_own_column():
    read = reader("key = ['a', 'b ${X}']")

    read.texts("key")

    assert [(one.line, one.column) for one in read.table.problems] == [(1, 16)]


@pytest.mark.parametrize("text", ["http://a", "https://a:1/b", "https://[::1]:80"])
def test_a_url_has_a_scheme_and_a_host(text):
    assert is_url(text, ("http", "https"))


@pytest.mark.parametrize(
    "text", ["", "a", "http://", "ftp://a", "http://a:x", "http://a:99999", "http://[::1", "//a"]
)
def test_other_texts_are_no_urls(text):
    assert not is_url(text, ("http", "https"))
