"""Kafka through an idempotent producer: acknowledged by all replicas."""

import ssl
from urllib.parse import unquote, urlsplit

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from hookagent.actions.brokers.base import Message, Unpublished

REQUEST_MS = 10_000


class Kafka:
    """One producer."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def publish(self, message: Message) -> dict[str, object]:
        """Hand over one message; done when all replicas have it."""
        headers = {"id": message.key, **message.headers}
        if message.content_type:
            headers["content-type"] = message.content_type
        try:
            taken = await self._producer.send_and_wait(
                message.topic,
                message.body,
                key=message.partition_key.encode() or None,
                headers=[(name, value.encode()) for name, value in headers.items()],
            )
        except KafkaError as error:
            raise Unpublished(str(error), is_final=not error.retriable) from None
        except (OSError, TimeoutError) as error:
            raise Unpublished(str(error) or type(error).__name__, is_broken=True) from None
        return {"partition": taken.partition, "offset": taken.offset}

    async def close(self) -> None:
        """Send what is waiting and end the connections."""
        await self._producer.stop()


async def connect(url: str) -> Kafka:
    """Connect to `kafka://HOST:PORT[,HOST:PORT…]` or `kafkas://`. Raises Unpublished."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "kafkas"
    credentials, _, servers = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    sasl = {
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": unquote(username),
        "sasl_plain_password": unquote(password),
    }
    protocol = f"{'SASL_' if credentials else ''}{'SSL' if is_tls else 'PLAINTEXT'}"
    producer = AIOKafkaProducer(
        bootstrap_servers=servers.split(","),
        enable_idempotence=True,
        request_timeout_ms=REQUEST_MS,
        security_protocol=protocol,
        ssl_context=ssl.create_default_context() if is_tls else None,
        **(sasl if credentials else {}),
    )
    try:
        await producer.start()
    except (KafkaError, OSError, TimeoutError) as error:
        await producer.stop()
        raise Unpublished(str(error) or type(error).__name__, is_broken=True) from None
    return Kafka(producer)
