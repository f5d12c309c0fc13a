"""Signed templates are read strictly and say what they cover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.providers.signed import BARE, TemplateError, parse_template


def test_a_template_is_literals_and_placeholders() -> None:
    template = parse_template("v0:{timestamp}:{body}")
    assert [part.kind for part in template.parts] == ["literal", "timestamp", "literal", "body"]
    assert template.parts[0].literal == b"v0:"
    assert template.covers_body
    assert not template.is_body


def test_only_the_body_alone_is_the_body() -> None:
    assert parse_template("{body}").is_body
    assert not parse_template("{body}\n").is_body


def test_doubled_braces_are_braces() -> None:
    assert parse_template("{{}}").parts[0].literal == b"{}"


def test_named_placeholders_keep_their_name_and_may_be_optional() -> None:
    template = parse_template("{header:X-Id}{json:a.b[0]?}{config:url}")
    assert template.names("header") == ("X-Id",)
    assert template.parts[1].optional
    assert template.parts[1].path == ("a", "b", 0)
    assert template.names("config") == ("url",)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{bdy}", "did you mean `body`?"),
        ("{heder:x}", "did you mean `header`?"),
        ("{header:}", "write `{header:NAME}`"),
        ("{body", "write `{{` for a brace itself"),
        ("body}", "write `}}` for a brace itself"),
        ("{json:a..b}", None),
    ],
)
def test_what_is_wrong_is_said_with_a_hint(text: str, hint: str | None) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(text)
    assert caught.value.hint == hint


def test_a_checksum_does_not_bind_the_body() -> None:
    assert not parse_template("{id}|{body_crc32}").covers_body
    assert parse_template("{body_sha256_hex}").covers_body


@given(st.text(alphabet="{}:?.[]abody header json", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        template = parse_template(text)
    except TemplateError:
        return
    assert {part.kind for part in template.parts} <= BARE | {
        "literal",
        "config",
        "form",
        "header",
        "json",
        "query",
    }
