"""Adapter: a real NATS server, core and JetStream."""

import contextlib

import nats
import pytest

from hookagent.job import Again, Done, Never
from tests.actions.conftest import act
from tests.actions.services import needs
from tests.patience import PATIENCE_S

URL = "nats://127.0.0.1:4222"
pytestmark = needs("NATS server", 4222)


@pytest.fixture
async def client():
    made = await nats.connect(URL)
    yield made
    await made.close()


async def test_a_message_arrives_with_its_headers(outside, client, topic):
    subscription = await client.subscribe(f"{topic}.*")
    await client.flush()

    outcome = await act(
        "publish",
        {"url": URL, "topic": f"{topic}.{{{{ r }}}}", "headers": {"X-A": "{{ r }}"}},
        outside,
        {"r": "eu.west *>"},
        body=b"\x00raw",
        headers={"Content-Type": "application/x"},
    )

    message = await subscription.next_msg(timeout=PATIENCE_S)
    assert outcome == Done({})
    assert message.subject == f"{topic}.eu_west___"
    assert message.data == b"\x00raw"
    assert message.headers == {
        "X-A": "eu.west *>",
        "hookagent-event": "evt_1",
        "hookagent-source": "shop",
        "hookagent-type": "order.paid",
        "Nats-Msg-Id": "run_1-0",
        "Content-Type": "application/x",
    }


async def test_jetstream_knows_a_repetition(outside, client, topic):
    stream = client.jetstream()
    name = topic.replace("-", "_")
    try:
        await stream.add_stream(name=name, subjects=[topic])
    except nats.errors.Error as error:
        pytest.skip(f"this NATS server has no JetStream: {error}")
    try:
        options = {"url": URL, "topic": topic, "jetstream": True, "data": {"n": 1}}
        first = await act("publish", options, outside)
        second = await act("publish", options, outside)
    finally:
        with contextlib.suppress(Exception):
            await stream.delete_stream(name)

    assert first == Done({"stream": name, "seq": 1, "is_duplicate": False})
    assert second == Done({"stream": name, "seq": 1, "is_duplicate": True})


async def test_a_subject_no_stream_takes_is_for_good(outside, client, topic):
    options = {"url": URL, "topic": topic, "jetstream": True, "text": "x"}

    outcome = await act("publish", options, outside)

    assert isinstance(outcome, Never | Again)
    if isinstance(outcome, Again):
        pytest.skip(f"this NATS server has no JetStream: {outcome.error}")
    assert "no JetStream stream takes" in outcome.error


async def test_a_broken_connection_is_made_anew(outside, client, topic):
    options = {"url": URL, "topic": topic, "text": "x"}
    assert isinstance(await act("publish", options, outside), Done)

    broker = await outside.share(("broker", URL), None)
    await broker._client.close()

    assert isinstance(await act("publish", options, outside), Again)
    assert isinstance(await act("publish", options, outside), Done)


async def test_a_server_that_is_not_there_is_tried_again(outside):
    outcome = await act("publish", {"url": "nats://127.0.0.1:1", "topic": "x"}, outside)

    assert isinstance(outcome, Again)
    assert outcome.error.startswith("nats: ")
