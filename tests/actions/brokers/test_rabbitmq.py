"""Adapter: a real RabbitMQ, with publisher confirms."""

import aio_pika
import pytest

from hookagent.job import Again, Done, Never
from tests.actions.conftest import act
from tests.actions.services import needs

URL = "amqp://guest:guest@127.0.0.1:5672/"
pytestmark = needs("RabbitMQ", 5672)


@pytest.fixture
async def channel():
    async with await aio_pika.connect(URL) as connection:
        yield await connection.channel()


@pytest.fixture
async def queue(channel, topic):
    made = await channel.declare_queue(topic, auto_delete=True)
    yield made
    await made.delete(if_unused=False, if_empty=False)


async def test_a_message_is_in_its_queue_when_the_step_is_done(outside, queue, topic):
    outcome = await act(
        "publish",
        {"url": URL, "topic": topic, "data": {"n": "{{ n }}"}, "headers": {"x-a": "1"}},
        outside,
        {"n": 5},
    )

    message = await queue.get(no_ack=True)
    assert outcome == Done({})
    assert message.body == b'{"n":5}'
    assert message.message_id == "run_1-0"
    assert message.content_type == "application/json"
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert message.headers["x-a"] == "1"
    assert message.headers["hookagent-event"] == "evt_1"


async def test_an_exchange_routes_by_the_topic(outside, channel, queue, topic):
    exchange_name = f"{topic}-exchange"
    await channel.declare_exchange(exchange_name, aio_pika.ExchangeType.TOPIC, auto_delete=True)
    await queue.bind(exchange_name, "orders.*")
    options = {"url": URL, "exchange": exchange_name, "text": "x"}

    taken = await act("publish", {**options, "topic": "orders.{{ r }}"}, outside, {"r": "a.b"})
    dropped = await act("publish", {**options, "topic": "nobody"}, outside)

    assert taken == Done({})
    assert (await queue.get(no_ack=True)).routing_key == "orders.a_b"
    assert isinstance(dropped, Never)
    assert "no queue takes" in dropped.error


async def test_a_queue_or_exchange_that_is_not_there_is_for_good(outside, topic):
    no_queue = await act("publish", {"url": URL, "topic": topic}, outside)
    no_exchange = await act("publish", {"url": URL, "topic": "x", "exchange": topic}, outside)
    after = await act("publish", {"url": URL, "topic": topic}, outside)

    assert isinstance(no_queue, Never)
    assert isinstance(no_exchange, Never)
    assert isinstance(after, Never)
    assert "no queue takes" in after.error


async def test_a_wrong_password_is_for_good_and_not_shown(outside):
    url = "amqp://guest:s3cr3t-wrong@127.0.0.1:5672/"

    outcome = await act("publish", {"url": url, "topic": "x"}, outside)

    assert isinstance(outcome, Never)
    assert "s3cr3t" not in outcome.error


async def test_a_broker_that_is_not_there_is_tried_again(outside):
    outcome = await act("publish", {"url": "amqp://127.0.0.1:1/", "topic": "x"}, outside)

    assert isinstance(outcome, Again)
