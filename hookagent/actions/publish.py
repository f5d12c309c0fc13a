"""`publish`: the event, or a message made of it, to a message broker.

    nats://       subject           Nats-Msg-Id with `jetstream = true`     extra `nats`
    amqp(s)://    routing key       message_id, publisher confirms          extra `rabbitmq`
    redis(s)://   stream            remembered beside the stream            extra `redis`
    kafka(s)://   topic             idempotent producer, header `id`        extra `kafka`
    mqtt(s)://    topic, QoS 1      user property `id`                      extra `mqtt`

The broker's address is literal; a connection is kept and shared by all steps that name it.
"""

import asyncio
import importlib
from collections.abc import Mapping
from typing import Annotated, cast

import msgspec

from hookagent.actions.base import Call, Outside
from hookagent.actions.brokers.base import Broker, Message, Unpublished
from hookagent.actions.extra import missing
from hookagent.actions.values import Address, Json, Text, Topic, encode_json
from hookagent.job import Again, Done, Never, Outcome
from hookagent.template import Scope

about = "Publish to NATS, RabbitMQ, Redis Streams, Kafka or MQTT (an extra each)."
leaves = (
    'What the broker says: `{"stream", "seq"}`, `{"entry"}`, `{"partition", "offset"}`, or nothing.'
)
example = """\
action = "publish"
url = "nats://127.0.0.1:4222"
topic = "orders.{{ region }}"
jetstream = true
"""

BROKERS: Mapping[str, tuple[str, str]] = {
    "nats": ("nats", "nats-py"),
    "amqp": ("rabbitmq", "aio-pika"),
    "amqps": ("rabbitmq", "aio-pika"),
    "redis": ("redis", "redis"),
    "rediss": ("redis", "redis"),
    "kafka": ("kafka", "aiokafka"),
    "kafkas": ("kafka", "aiokafka"),
    "mqtt": ("mqtt", "aiomqtt"),
    "mqtts": ("mqtt", "aiomqtt"),
}
"""URL scheme to module (and extra) and library."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which broker, where in it, and what."""

    url: Annotated[
        Address,
        msgspec.Meta(
            description="The broker: `nats://`, `amqp://`, `redis://`, `kafka://` or `mqtt://`.",
            examples=["nats://127.0.0.1:4222", "${AMQP_URL}"],
        ),
    ]
    topic: Annotated[
        Topic,
        msgspec.Meta(
            description="Subject, routing key, stream or topic; an inserted value is one level.",
            examples=["orders.{{ region }}"],
        ),
    ]
    data: Annotated[
        Json | None,
        msgspec.Meta(description="The message as JSON; left out, the event's body as it came."),
    ] = None
    text: Annotated[Text | None, msgspec.Meta(description="The message as text.")] = None
    headers: Annotated[
        dict[str, Text],
        msgspec.Meta(description="Fields beside the message, beyond the event's id and type."),
    ] = {}
    key: Annotated[
        Text | None,
        msgspec.Meta(description="Kafka: messages of one key stay in order."),
    ] = None
    exchange: Annotated[
        str,
        msgspec.Meta(description="RabbitMQ: the exchange; left out, the topic is a queue."),
    ] = ""
    jetstream: Annotated[
        bool,
        msgspec.Meta(description="NATS: store it in JetStream and wait for its word."),
    ] = False
    retain: Annotated[
        bool,
        msgspec.Meta(description="MQTT: keep it for whoever subscribes later."),
    ] = False

    def __post_init__(self) -> None:
        if self.data is not None and self.text is not None:
            raise ValueError("`data` and `text` do not go together: one message")
        scheme, mark, _ = self.url.reveal().partition("://")
        if (not mark or scheme not in BROKERS) and not self.url.reveal().startswith("${"):
            raise ValueError(f"`url` begins with one of: {', '.join(f'{s}://' for s in BROKERS)}")


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The message and its broker."""

    url: Address
    message: Message


def prepare(options: Options, scope: Scope) -> Prepared:
    """Fill the message. Raises TemplateError."""
    event = scope.event
    content_type, body = _body(options, scope)
    own = {"event": event.id, "source": event.source, "type": event.type}
    headers = {name: text.fill(scope) for name, text in options.headers.items()}
    return Prepared(
        url=options.url,
        message=Message(
            topic=options.topic.fill(scope),
            body=body,
            key="",
            content_type=content_type,
            headers={f"hookagent-{name}": value for name, value in own.items()} | headers,
            partition_key=options.key.fill(scope) if options.key else "",
            exchange=options.exchange,
            jetstream=options.jetstream,
            retain=options.retain,
        ),
    )


def _body(options: Options, scope: Scope) -> tuple[str, bytes]:
    if options.data is not None:
        return "application/json", encode_json(options.data.fill(scope))
    if options.text is not None:
        return "text/plain; charset=utf-8", options.text.fill(scope).encode("utf-8", "replace")
    request = scope.event.request
    return request.headers.text("content-type") or "", request.body


async def run(prepared: Prepared, call: Call, outside: Outside) -> Outcome:
    """Hand it over once, and wait for the broker's word."""
    url = prepared.url.reveal()
    module, library = BROKERS[url.partition("://")[0]]
    try:
        connect = importlib.import_module(f"hookagent.actions.brokers.{module}").connect
    except ImportError:
        return missing(module, library)
    message = msgspec.structs.replace(prepared.message, key=call.idempotency_key)
    shared = ("broker", url)
    try:
        async with asyncio.timeout(call.timeout_ms / 1000):
            broker = cast("Broker", await outside.share(shared, lambda: connect(url)))
            return Done(await broker.publish(message))
    except Unpublished as error:
        if error.is_broken:
            await outside.forget(shared)
        text = f"{module}: {error}"
        return Never(error=text) if error.is_final else Again(error=text)
    except TimeoutError:
        await outside.forget(shared)
        return Again(error=f"{module}: no answer within {call.timeout_ms / 1000:g} s")
