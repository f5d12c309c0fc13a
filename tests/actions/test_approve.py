"""Adapter: a button in Slack decides what a model proposed."""

import json

import pytest

from hookagent.actions.agents.approval import asked
from hookagent.actions.base import Call
from hookagent.actions.registry import bind
from hookagent.job import Done, Later, Never
from hookagent.template import Scope
from hookagent.verdict import Integrity
from tests.actions.agents.endpoint import Endpoint, Memory, openai, signed_event

KEY = "run_1-0-0123456789ab"


def press(key, action="hookagent-yes"):
    """Make what Slack sends when a button is pressed."""
    return {
        "type": "block_actions",
        "user": {"id": "U1"},
        "actions": [{"action_id": action, "value": key}],
    }


async def decide(outside, payload, *, say="yes", integrity=Integrity.BODY):
    event = signed_event(payload, integrity=integrity)
    step = bind("approve", {"question": "{{ actions[0].value }}", "say": say}, outside.environment)
    call = Call.of(event, run_id="run_2", rule="slack", step=0, attempt=1, timeout_ms=5000)
    return await step.execute(Scope(event=event), call, outside)


async def test_a_press_is_written_down_as_the_rule_says(outside):
    outside.memory = memory = Memory()

    outcome = await decide(outside, press(KEY), say="no")

    assert isinstance(outcome, Done)
    assert memory.values == {f"approval:{KEY}": b"no"}


@pytest.mark.parametrize("key", ["", "cursor", "run_1", f"{KEY}0", f"x{KEY}", "approval:" + KEY])
async def test_nothing_else_can_be_written(outside, key):
    outside.memory = memory = Memory()

    assert isinstance(await decide(outside, press(key)), Never)
    assert memory.values == {}


async def test_an_event_nobody_signed_decides_nothing(outside):
    outside.memory = memory = Memory()

    assert isinstance(await decide(outside, press(KEY), integrity=Integrity.TOKEN), Never)
    assert memory.values == {}


async def test_without_a_store_there_is_nobody_to_tell(outside):
    assert isinstance(await decide(outside, press(KEY)), Never)


async def test_the_question_goes_to_slack_once_and_its_button_answers_it(outside, serve, echo):
    endpoint = Endpoint()
    endpoint.replies = [openai("```\n<!channel> hello")]
    outside.memory = Memory()
    options = {
        "url": await serve(endpoint.answer),
        "model": "m",
        "prompt": "p",
        "approve": "always",
        "ask": f"{echo.url}/services/T/B/x",
    }
    event = signed_event()

    async def ask(earlier=None):
        call = Call.of(
            event, run_id="run_1", rule="r", step=0, attempt=1, timeout_ms=5000, earlier=earlier
        )
        step = bind("agent", options, outside.environment)
        return await step.execute(Scope(event=event), call, outside)

    waiting = await ask()
    waiting = await ask(waiting.output)
    ((_, body),) = echo.seen
    message = json.loads(body)
    yes, no = message["blocks"][2]["elements"]
    assert isinstance(waiting, Later)
    assert message["blocks"][1]["text"]["text"].count("```") == 2
    assert "<!channel>" not in body.decode()
    assert (yes["action_id"], no["action_id"]) == ("hookagent-yes", "hookagent-no")
    question = asked(waiting.output)
    assert question is not None
    assert yes["value"] == no["value"] == question.key

    await decide(outside, press(yes["value"]))

    assert isinstance(await ask(waiting.output), Done)
