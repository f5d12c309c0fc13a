"""A conversation with a model as the two common interfaces want it, and their answers read back.

openai       POST /chat/completions, as Ollama, llama.cpp, vLLM and many others take it
             (platform.openai.com/docs/api-reference/chat)
anthropic    POST /messages (docs.anthropic.com/en/api/messages, version 2023-06-01)

Pure. Reading is total apart from `WrongReply`.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

ANTHROPIC_VERSION = "2023-06-01"
BASE = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com/v1"}
"""Where each interface is at home."""
CALLS_MAX = 8
"""Tool calls read of one answer."""

Interface = Literal["openai", "anthropic"]


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a model wants done."""

    id: str
    name: str
    arguments: Any = None
    """The decoded arguments; None where they were no JSON object."""


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one call."""

    id: str
    text: str
    is_error: bool = False


class Turn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One contribution to a conversation."""

    who: Literal["user", "model", "tools"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one request to a model says."""

    model: str
    system: str
    turns: tuple[Turn, ...]
    tools: tuple[dict[str, Any], ...] = ()
    """Name, description and parameters (JSON Schema) of each."""
    max_tokens: int = 1024
    schema: dict[str, Any] | None = None
    parameters: dict[str, Any] = {}
    """Further members of the request's body, as the rule's author wrote them."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    model: str = ""
    is_cut: bool = False
    """Whether it stopped at the bound of tokens."""
    is_refusal: bool = False


class WrongReply(Exception):
    """An answer that is not what the interface promises."""


def path(interface: Interface) -> str:
    """Return what follows the base address."""
    return "/chat/completions" if interface == "openai" else "/messages"


def headers(interface: Interface, key: str) -> dict[str, str]:
    """Return the headers of a request; a server of one's own may need no key."""
    if interface == "openai":
        return {"Authorization": f"Bearer {key}"} if key else {}
    fields = {"anthropic-version": ANTHROPIC_VERSION}
    return {**fields, "x-api-key": key} if key else fields


def body(interface: Interface, ask: Ask, *, host: str = "") -> dict[str, Any]:
    """Return the request's body."""
    return _openai(ask, host) if interface == "openai" else _anthropic(ask)


def _openai(ask: Ask, host: str) -> dict[str, Any]:
    # OpenAI's own newer models refuse `max_tokens`; most other servers know only that.
    bound = "max_completion_tokens" if host == "api.openai.com" else "max_tokens"
    made: dict[str, Any] = {
        "model": ask.model,
        "messages": [
            {"role": "system", "content": ask.system},
            *(message for turn in ask.turns for message in _openai_turn(turn)),
        ],
        bound: ask.max_tokens,
    }
    if ask.tools:
        made["tools"] = [{"type": "function", "function": tool} for tool in ask.tools]
    elif ask.schema is not None:
        named = {"name": "answer", "schema": ask.schema}
        made["response_format"] = {"type": "json_schema", "json_schema": named}
    return made | ask.parameters


def _openai_turn(turn: Turn) -> list[dict[str, Any]]:
    if turn.who == "user":
        return [{"role": "user", "content": turn.text}]
    if turn.who == "tools":
        return [
            {"role": "tool", "tool_call_id": result.id, "content": result.text}
            for result in turn.results
        ]
    said: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
    if turn.calls:
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _encoded(call.arguments)},
            }
            for call in turn.calls
        ]
    return [said]


def _encoded(arguments: Any) -> str:
    return msgspec.json.encode({} if arguments is None else arguments).decode()


def _anthropic(ask: Ask) -> dict[str, Any]:
    made: dict[str, Any] = {
        "model": ask.model,
        "system": ask.system,
        "messages": [_anthropic_turn(turn) for turn in ask.turns],
        "max_tokens": ask.max_tokens,
    }
    if ask.tools:
        made["tools"] = [
            {
                "name": tool["name"],
                "description": tool["description"],
                "input_schema": tool["parameters"],
            }
            for tool in ask.tools
        ]
    return made | ask.parameters


def _anthropic_turn(turn: Turn) -> dict[str, Any]:
    if turn.who == "user":
        return {"role": "user", "content": turn.text}
    if turn.who == "tools":
        blocks = [
            {
                "type": "tool_result",
                "tool_use_id": result.id,
                "content": result.text,
                "is_error": result.is_error,
            }
            for result in turn.results
        ]
        return {"role": "user", "content": blocks}
    content: list[dict[str, Any]] = [{"type": "text", "text": turn.text}] if turn.text else []
    content += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments or {}}
        for call in turn.calls
    ]
    return {"role": "assistant", "content": content or [{"type": "text", "text": "…"}]}


def read(interface: Interface, data: bytes) -> Reply:
    """Read an answer. Raises WrongReply."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WrongReply("the endpoint's answer is not JSON") from None
    try:
        return _read_openai(value) if interface == "openai" else _read_anthropic(value)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise WrongReply(f"the endpoint's answer lacks {error}") from None


def _read_openai(value: Any) -> Reply:
    choice = value["choices"][0]
    message = choice["message"]
    usage = _table(value.get("usage"))
    calls = message.get("tool_calls") or []
    return Reply(
        text=_text(message.get("content")),
        calls=tuple(
            ToolCall(
                id=str(call["id"]),
                name=str(call["function"]["name"]),
                arguments=_arguments(call["function"].get("arguments")),
            )
            for call in calls[:CALLS_MAX]
        ),
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        model=str(value.get("model") or ""),
        is_cut=choice.get("finish_reason") == "length",
        is_refusal=bool(message.get("refusal")) or choice.get("finish_reason") == "content_filter",
    )


def _read_anthropic(value: Any) -> Reply:
    blocks = value["content"]
    usage = _table(value.get("usage"))
    return Reply(
        text="".join(_text(one.get("text")) for one in blocks if one["type"] == "text"),
        calls=tuple(
            ToolCall(id=str(one["id"]), name=str(one["name"]), arguments=_object(one.get("input")))
            for one in blocks
            if one["type"] == "tool_use"
        )[:CALLS_MAX],
        input_tokens=_count(usage.get("input_tokens")),
        output_tokens=_count(usage.get("output_tokens")),
        model=str(value.get("model") or ""),
        is_cut=value.get("stop_reason") == "max_tokens",
        is_refusal=value.get("stop_reason") == "refusal",
    )


def _text(content: Any) -> str:
    """Return the text of a content, which some servers send in parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _arguments(text: Any) -> Any:
    if not isinstance(text, str):
        return _object(text)
    try:
        return _object(msgspec.json.decode(text or "{}"))
    except (msgspec.DecodeError, RecursionError):
        return None


def _object(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
