"""Pure: T15, an inserted value cannot leave the place it was put into."""

import unicodedata
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.template import Encoded, Sink, Template, TemplateError, terminal_safe
from hookagent.template.sinks import ESCAPES


@given(st.text())
def test_in_a_url_a_value_stays_one_part(text):
    for sink in (Sink.PATH, Sink.QUERY):
        escaped = ESCAPES[sink](text)

        assert not set(escaped) & set("/?#&=+:@;, \"'<>\\\r\n")
        assert unquote(escaped) == text


def test_what_is_encoded_already_is_not_encoded_again():
    assert ESCAPES[Sink.QUERY](Encoded("a%20b")) == "a%20b"


@given(st.text())
def test_in_a_json_string_a_value_stays_inside_the_quotes(text):
    assert msgspec.json.decode(f'"{ESCAPES[Sink.JSON](text)}"') == text


@given(st.text())
def test_a_header_takes_no_control_characters(text):
    try:
        taken = ESCAPES[Sink.HEADER](text)
    except TemplateError:
        assert any(unicodedata.category(character) == "Cc" for character in text)
    else:
        assert taken == text
        assert not set(text) & set("\r\n\0")


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "\x1b[2J", "\x85"])
def test_a_header_refuses_a_value_that_would_split_it(text):
    with pytest.raises(TemplateError, match="header"):
        ESCAPES[Sink.HEADER](text)


def test_an_argument_takes_anything_but_nul():
    assert ESCAPES[Sink.ARGUMENT]("$(id); `x` & | > ' \" \n") == "$(id); `x` & | > ' \" \n"
    with pytest.raises(TemplateError, match="NUL"):
        ESCAPES[Sink.ARGUMENT]("a\0b")


@given(st.text())
def test_in_a_file_name_a_value_names_no_folder(text):
    escaped = ESCAPES[Sink.FILE](text)

    assert "/" not in escaped
    assert ".." not in escaped
    assert not escaped.startswith(".")
    assert len(escaped) <= 64


@given(st.text())
def test_on_a_terminal_nothing_steers(text):
    shown = terminal_safe(text)

    assert not {
        unicodedata.category(character) for character in shown if character not in "\n\t"
    } & {
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\U000e0041", "\\U000e0041"),
        ("line\n\ttab", "line\n\ttab"),
        ("naïve 日本", "naïve 日本"),
    ],
)
def test_a_terminal_sees_escapes_as_text(text, shown):
    assert terminal_safe(text) == shown


def test_every_sink_has_its_escape():
    assert set(ESCAPES) == set(Sink)


def test_the_authors_own_text_is_not_escaped(scope):
    template = Template.parse("/a?b={{ v }}&c")

    assert template.render(scope({"v": "&x"}), Sink.QUERY) == "/a?b=%26x&c"
