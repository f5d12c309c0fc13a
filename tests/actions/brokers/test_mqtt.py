"""Adapter: a real MQTT broker."""

import asyncio

import aiomqtt

from hookagent.job import Again, Done
from tests.actions.conftest import act
from tests.actions.services import needs
from tests.patience import PATIENCE_S

URL = "mqtt://127.0.0.1:1883"
pytestmark = needs("MQTT broker", 1883)


async def test_a_message_arrives_with_its_properties(outside, topic):
    async with aiomqtt.Client("127.0.0.1", protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe(f"{topic}/#", qos=1)

        outcome = await act(
            "publish",
            {"url": URL, "topic": f"{topic}/{{{{ r }}}}", "data": {"n": 1}},
            outside,
            {"r": "a/b#+"},
        )
        async with asyncio.timeout(PATIENCE_S):
            message = await anext(aiter(client.messages))

    assert outcome == Done({})
    assert str(message.topic) == f"{topic}/a_b__"
    assert message.payload == b'{"n":1}'
    assert message.qos == 1
    assert message.properties is not None
    properties = message.properties.json()
    assert properties["ContentType"] == "application/json"
    assert ("id", "run_1-0") in {tuple(pair) for pair in properties["UserProperty"]}


async def test_a_connection_is_kept_for_the_next_message(outside, topic):
    options = {"url": URL, "topic": topic, "text": "x"}

    await act("publish", options, outside)
    first = await outside.share(("broker", URL), None)
    await act("publish", options, outside)

    assert await outside.share(("broker", URL), None) is first


async def test_a_broker_that_is_not_there_is_tried_again(outside):
    assert isinstance(
        await act("publish", {"url": "mqtt://127.0.0.1:1", "topic": "x"}, outside), Again
    )
