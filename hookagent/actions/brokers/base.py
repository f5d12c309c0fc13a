"""What a message broker is to the `publish` action: one connection that takes messages."""

from typing import Protocol

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message, the same for every broker."""

    topic: str
    """Subject, routing key, stream or topic."""
    body: bytes
    key: str
    """The step's idempotency key: brokers that know repetitions know them by it."""
    content_type: str = ""
    headers: dict[str, str] = {}
    partition_key: str = ""
    """For brokers that keep the order of messages with the same one (Kafka)."""
    exchange: str = ""
    """RabbitMQ's exchange; empty for the default one, where the topic is a queue."""
    jetstream: bool = False
    """NATS: through JetStream, which stores it, confirms it and drops repetitions."""
    retain: bool = False
    """MQTT: kept for whoever subscribes later."""


class Unpublished(Exception):
    """A broker did not take a message."""

    def __init__(self, message: str, *, is_final: bool = False, is_broken: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final
        """No repetition mends it."""
        self.is_broken = is_broken
        """The connection is of no more use."""


class Broker(Protocol):
    """An open connection."""

    async def publish(self, message: Message) -> dict[str, object]:
        """Hand over one message; return what the broker said. Raises Unpublished."""

    async def close(self) -> None:
        """End the connection."""
