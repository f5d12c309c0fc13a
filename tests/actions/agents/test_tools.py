"""Pure: what a model may ask for, and that nothing beyond it is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.actions.agents.tools import NO_TOOLS, Tool, judge
from hookagent.actions.agents.wire import ToolCall

LOG = {"text": "{{ args.word }}"}
WORD = {"word": {"enum": ["a", "b"]}}


def tool(**more):
    given = {"name": "note", "about": "Note it", "action": "log", "options": LOG, "arguments": WORD}
    return Tool(**{**given, **more})


def test_what_a_model_is_told_of_a_tool_is_closed():
    parameters = tool().declaration["parameters"]

    assert parameters["required"] == ["word"]
    assert parameters["additionalProperties"] is False


@pytest.mark.parametrize("action", sorted(NO_TOOLS))
def test_programs_agents_and_approvals_are_no_tools(action):
    with pytest.raises(ValueError, match="cannot be a tool"):
        tool(action=action)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string"},
        {"type": ["integer", "string"]},
        {"type": "object"},
        {"type": "array"},
    ],
)
def test_an_argument_with_room_for_free_text_is_refused(schema):
    with pytest.raises(ValueError, match="may be any text"):
        tool(arguments={"word": schema})


@pytest.mark.parametrize(
    "schema", [{"type": "integer"}, {"type": "boolean"}, {"const": "x"}, {"pattern": "^[a-z]+$"}]
)
def test_a_narrow_argument_is_taken(schema):
    assert tool(arguments={"word": schema})


def test_only_log_reaches_nobody_outside():
    assert not tool().is_outward
    assert tool(action="http", options={"url": "https://x.test/"}).is_outward


@given(
    st.text(),
    st.none() | st.dictionaries(st.text(), st.text() | st.integers() | st.none(), max_size=3),
)
def test_only_a_declared_call_with_allowed_arguments_is_not_refused(name, arguments):
    call = ToolCall(id="1", name=name, arguments=arguments)

    (judged,) = judge({"note": tool()}, (call,))

    is_good = name == "note" and arguments in ({"word": "a"}, {"word": "b"})
    assert bool(judged.refusal) is not is_good
