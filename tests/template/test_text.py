"""Pure: reading and rendering templates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.environment import Environment, MissingVariable
from hookagent.template import Sink, Template, TemplateError
from hookagent.template.text import OUTPUT_BYTES_MAX, SOURCE_LENGTH_MAX
from tests.template.conftest import scope_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
pieces = st.sampled_from(
    [
        "{{",
        "}}",
        "a",
        ".",
        "[0]",
        "|",
        "default",
        "('x')",
        "upper",
        " ",
        "@source",
        '"',
        "'",
        "steps",
    ]
)


@pytest.mark.parametrize(
    ("text", "payload", "rendered"),
    [
        ("plain", {}, "plain"),
        ("{{ a }}", {"a": "x"}, "x"),
        ("{{a}}{{ a }}", {"a": "x"}, "xx"),
        ("n={{ n }}", {"n": 1}, "n=1"),
        ("{{ n }}", {"n": 1.5}, "1.5"),
        ("{{ b }}", {"b": True}, "true"),
        ("{{ z }}", {"z": None}, "null"),
        ("{{ o }}", {"o": {"k": [1]}}, '{"k":[1]}'),
        ("{{ l.n }}", {"l": [{"n": "a"}, {"n": "b"}]}, "a, b"),
        ("{{ labels }}", {"labels": ["a", "b"]}, "a, b"),
        ("{{ a | upper | truncate(2) }}", {"a": "abc"}, "A…"),
        ("{{ a | default('|}}') }}", {}, "|}}"),
        ("{{ ['a.b'] }}", {"a.b": 1}, "1"),
        ('{{ "{{" }}x}}', {}, "{{x}}"),
        ("{ {a} }", {}, "{ {a} }"),
        ("$${{ a }}", {"a": 1}, "$$1"),
    ],
)
def test_a_template_renders(text, payload, rendered):
    assert Template.parse(text).render(scope_of(payload)) == rendered


def test_a_value_that_looks_like_a_template_stays_text():
    scope = scope_of({"a": "{{ secret }} ${HOME} {0.__class__} %(x)s", "secret": "s"})

    assert Template.parse("{{ a }}", Environment({})).render(scope) == (
        "{{ secret }} ${HOME} {0.__class__} %(x)s"
    )


def test_a_secret_that_looks_like_a_template_stays_text():
    template = Template.parse("${S}/{{ a }}", Environment({"S": "{{ a }}"}))

    assert template.render(scope_of({"a": 1})) == "{{ a }}/1"


def test_a_missing_variable_is_told_with_its_name():
    with pytest.raises(MissingVariable) as caught:
        Template.parse("${NOPE}", Environment({}))

    assert caught.value.name == "NOPE"


@pytest.mark.parametrize(
    "text",
    [
        "{{ a.__class__ }}",
        "{{ a.__init__.__globals__ }}",
        "{{ steps.__class__.output }}",
        "{{ @source.__class__ }}",
        "{{ a.b() }}",
        "{{ a[__class__] }}",
        "{{ a!r }}",
        "{{ a:>1000000000 }}",
        "{{ 7*7 }}",
        "{{ a | attr('x') }}",
        "{{ a | upper.__class__ }}",
    ],
)
def test_there_are_no_attributes_calls_or_arithmetic(text):
    with pytest.raises(TemplateError):
        Template.parse(text).render(scope_of({"a": {"b": 1}}, steps={"x": object()}))


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("ab {{ a", 3, "not closed"),
        ("{{ }}", 3, "a path is missing"),
        ("{{ a..b }}", 4, "a name is missing"),
        ("{{ @headrs.x }}", 4, "not a part of the envelope"),
        ("x{{ a | uper }}", 7, "unknown filter `uper`"),
        ("{{ a | truncate }}", 6, "takes one argument"),
        ("{{ a | json(1) }}", 6, "takes no argument"),
        ("{{ a | default(x y) }}", 6, "is not an argument"),
        ("{{ a | default(x) }}", 6, "text needs quotes"),
    ],
)
def test_a_template_that_cannot_be_read_says_where_and_why(text, offset, message):
    with pytest.raises(TemplateError, match=message) as caught:
        Template.parse(text)

    assert caught.value.offset == offset


def test_an_unknown_filter_comes_with_the_nearest_one():
    with pytest.raises(TemplateError) as caught:
        Template.parse("{{ a | defualt('') }}")

    assert caught.value.hint == "did you mean `default`?"


def test_a_missing_value_is_an_error_with_a_hint():
    with pytest.raises(TemplateError, match=r"there is no `a\.b` in this event") as caught:
        Template.parse("x {{ a.b | upper }}").render(scope_of({}))

    assert caught.value.offset == 2
    assert "default" in (caught.value.hint or "")


def test_a_whole_template_keeps_the_values_type():
    scope = scope_of({"n": 5, "o": {"k": None}, "l": [{"n": 1}, {"n": 2}]})

    assert Template.parse("{{ n }}").value(scope) == 5
    assert Template.parse("{{ o }}").value(scope) == {"k": None}
    assert Template.parse("{{ l.n }}").value(scope) == [1, 2]
    assert Template.parse("{{ n | number(1) }}").value(scope) == "5.0"
    assert Template.parse("{{ n }}!").value(scope) == "5!"
    assert Template.parse("").value(scope) == ""
    assert type(Template.parse("{{ n | urlencode }}").value(scope)) is str


def test_output_and_source_are_bounded():
    scope = scope_of({"a": "x" * (OUTPUT_BYTES_MAX // 2 + 1)})

    Template.parse("{{ a }}").render(scope)
    with pytest.raises(TemplateError, match="grew beyond"):
        Template.parse("{{ a }}{{ a }}").render(scope)
    with pytest.raises(TemplateError, match="at most"):
        Template.parse("x" * (SOURCE_LENGTH_MAX + 1))


def test_a_value_nested_without_end_is_refused():
    deep: object = 1
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(TemplateError):
        Template.parse("{{ a }}x").render(scope_of({"a": {"b": deep}}))


def test_a_template_knows_what_it_is_made_of():
    template = Template.parse("a/{{ b }}/{{ @source }}")

    assert [str(reference) for reference in template.references] == ["b", "@source"]
    assert template.prefix == "a/"
    assert not template.is_literal
    assert not template.is_whole
    assert Template.parse("{{ b }}").is_whole
    assert Template.parse("b").is_literal
    assert template == Template.parse("a/{{ b }}/{{ @source }}")
    assert repr(Template.parse("${X}", Environment({"X": "secret"}))) == "Template('${X}')"


@given(st.lists(pieces, max_size=12).map("".join) | st.text(), json_values, st.sampled_from(Sink))
def test_rendering_anything_gives_text_or_a_template_error(text, payload, sink):
    try:
        rendered = Template.parse(text).render(scope_of({"a": payload}), sink)
    except TemplateError:
        return
    assert len(rendered.encode("utf-8", "replace")) <= OUTPUT_BYTES_MAX
