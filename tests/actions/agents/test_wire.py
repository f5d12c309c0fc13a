"""Pure: what is said to both interfaces, and their answers, whatever they are."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.actions.agents.wire import (
    Ask,
    Reply,
    ToolCall,
    ToolResult,
    Turn,
    WrongReply,
    body,
    headers,
    read,
)

TURNS = (
    Turn(who="user", text="sort"),
    Turn(who="model", calls=(ToolCall(id="c1", name="label", arguments={"label": "bug"}),)),
    Turn(who="tools", results=(ToolResult(id="c1", text="done"),)),
)
TOOL = {"name": "label", "description": "labels", "parameters": {"type": "object"}}
ASK = Ask(model="m", system="s", turns=TURNS, tools=(TOOL,), parameters={"temperature": 0})


def test_a_conversation_with_tools_as_openai_wants_it():
    made = body("openai", ASK)

    assert [message["role"] for message in made["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    call = made["messages"][2]["tool_calls"][0]
    assert call["function"] == {"name": "label", "arguments": '{"label":"bug"}'}
    assert made["messages"][3] == {"role": "tool", "tool_call_id": "c1", "content": "done"}
    assert made["tools"] == [{"type": "function", "function": TOOL}]
    assert made["temperature"] == 0


def test_a_conversation_with_tools_as_anthropic_wants_it():
    made = body("anthropic", ASK)

    assert made["system"] == "s"
    assert [message["role"] for message in made["messages"]] == ["user", "assistant", "user"]
    assert made["messages"][1]["content"][0]["input"] == {"label": "bug"}
    assert made["messages"][2]["content"][0]["tool_use_id"] == "c1"
    assert made["tools"][0]["input_schema"] == {"type": "object"}


def test_openai_itself_is_told_the_bound_by_its_newer_name():
    assert "max_completion_tokens" in body("openai", ASK, host="api.openai.com")
    assert "max_tokens" in body("openai", ASK, host="127.0.0.1")


def test_no_key_is_no_header():
    assert headers("openai", "") == {}
    assert "x-api-key" not in headers("anthropic", "")


@given(st.binary())
def test_any_bytes_are_a_reply_or_none(data):
    for interface in ("openai", "anthropic"):
        try:
            assert isinstance(read(interface, data), Reply)
        except WrongReply:
            continue


@pytest.mark.parametrize("arguments", ["{", "[]", "3", None, '{"a": 1}'])
def test_arguments_that_are_no_object_are_none(arguments):
    message = {"tool_calls": [{"id": "1", "function": {"name": "x", "arguments": arguments}}]}
    found = read("openai", msgspec.json.encode({"choices": [{"message": message}]}))

    assert found.calls[0].arguments == ({"a": 1} if arguments == '{"a": 1}' else None)


def test_text_in_parts_is_joined():
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    assert (
        read("openai", msgspec.json.encode({"choices": [{"message": {"content": content}}]})).text
        == "ab"
    )
