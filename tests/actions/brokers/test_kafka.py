"""Adapter: Kafka where one runs; that none does is an outcome like any other."""

import pytest

from hookagent.actions.brokers import kafka
from hookagent.job import Again, Done
from tests.actions.conftest import act
from tests.actions.services import needs


@needs("Kafka", 9092)
async def test_a_message_is_acknowledged(outside, topic):
    outcome = await act(
        "publish",
        {"url": "kafka://127.0.0.1:9092", "topic": topic, "data": {"n": 1}, "key": "{{ k }}"},
        outside,
        {"k": "a"},
    )

    assert isinstance(outcome, Done)
    assert outcome.output["offset"] == 0


async def test_a_broker_that_is_not_there_is_tried_again(outside, monkeypatch):
    monkeypatch.setattr(kafka, "REQUEST_MS", 500)

    outcome = await act("publish", {"url": "kafka://127.0.0.1:1", "topic": "x"}, outside)

    assert isinstance(outcome, Again)
    assert outcome.error.startswith("kafka: ")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("kafka://a:1,b:2", ("PLAINTEXT", ["a:1", "b:2"])),
        ("kafkas://u:p%40w@a:1", ("SASL_SSL", ["a:1"])),
        ("kafka://u:p@a:1", ("SASL_PLAINTEXT", ["a:1"])),
    ],
)
async def test_an_address_says_how_to_connect(monkeypatch, url, expected):
    made = {}

    class Producer:
        def __init__(self, **options):
            made.update(options)

        async def start(self):
            pass

    monkeypatch.setattr(kafka, "AIOKafkaProducer", Producer)

    await kafka.connect(url)

    assert (made["security_protocol"], made["bootstrap_servers"]) == expected
    if "%40" in url:
        assert made["sasl_plain_password"] == "p@w"
