"""A language model's endpoint that says what a test tells it to."""

import json

from aiohttp import web

from hookagent.event import Event, Headers, RawRequest
from hookagent.verdict import Code, Integrity, Verdict
from tests.actions.conftest import NOW

SCHEMA = {
    "type": "object",
    "required": ["kind"],
    "properties": {"kind": {"enum": ["bug", "question"]}},
    "additionalProperties": False,
}


def signed_event(payload=None, *, integrity=Integrity.BODY, valid=True):
    """Make an event whose body a signature covers."""
    return Event(
        id="evt_1",
        source="shop",
        type="issue",
        request=RawRequest(headers=Headers(), body=b"{}", received_at=NOW),
        verdict=Verdict(valid=valid, scheme="github", code=Code.OK, integrity=integrity),
        payload={} if payload is None else payload,
    )


def openai(text="", *calls, prompt=100, completion=20, **more):
    """Make an answer of `/chat/completions`."""
    message = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(calls)
        ]
    finish = "tool_calls" if calls else "stop"
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {"id": "chatcmpl-1", "model": "small", "choices": [choice], "usage": usage, **more}


def anthropic(text="", *calls):
    """Make an answer of the Messages API."""
    content = [{"type": "text", "text": text}] if text else []
    content += [
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": arguments}
        for number, (name, arguments) in enumerate(calls)
    ]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": content,
        "stop_reason": "tool_use" if calls else "end_turn",
        "usage": {"input_tokens": 50, "output_tokens": 10},
    }


class Endpoint:
    """Answers in order, the last one again and again; keeps what it was asked."""

    def __init__(self):
        self.url = ""
        self.replies = []
        self.asked = []
        self.answer_with = None

    async def answer(self, request):
        if self.answer_with is not None:
            return await self.answer_with(request)
        data = await request.read()
        self.asked.append((request, json.loads(data)))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            reply = reply(self.asked[-1][1])
        if isinstance(reply, web.Response):
            return reply
        return web.json_response(reply)

    @property
    def bodies(self):
        return [body for _, body in self.asked]


class Memory:
    """A store of small values."""

    def __init__(self):
        self.values = {}

    async def keep(self, name, value):
        if value is None:
            self.values.pop(name, None)
        else:
            self.values[name] = value

    async def kept(self, name):
        return self.values.get(name)

    async def swap(self, name, before, after):
        if self.values.get(name) != before:
            return False
        await self.keep(name, after)
        return True
