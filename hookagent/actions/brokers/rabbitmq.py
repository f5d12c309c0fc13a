"""RabbitMQ (AMQP 0-9-1) with publisher confirms; the `message_id` is the idempotency key."""

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    AMQPError,
    ChannelClosed,
    ChannelNotFoundEntity,
    DeliveryError,
    ProbableAuthenticationError,
    PublishError,
)

from hookagent.actions.brokers.base import Message, Unpublished

CONNECT_SECONDS = 5


class RabbitMQ:
    """One connection with one channel."""

    def __init__(self, connection: AbstractConnection, channel: AbstractChannel) -> None:
        self._connection = connection
        self._channel = channel

    async def publish(self, message: Message) -> dict[str, object]:
        """Hand over one message; done when the broker has it in a queue."""
        made = aio_pika.Message(
            message.body,
            message_id=message.key,
            content_type=message.content_type or None,
            headers=dict(message.headers),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            app_id="hookagent",
        )
        try:
            exchange = self._channel.default_exchange
            if message.exchange:
                exchange = await self._channel.get_exchange(message.exchange, ensure=True)
            await exchange.publish(made, message.topic, mandatory=True)
        except PublishError:
            text = f"no queue takes the routing key `{message.topic}`"
            raise Unpublished(text, is_final=True) from None
        except DeliveryError:
            raise Unpublished("the broker refused the message for now") from None
        except ChannelNotFoundEntity as error:
            raise Unpublished(str(error), is_final=True, is_broken=True) from None
        except ChannelClosed as error:
            raise Unpublished(str(error), is_broken=True) from None
        except (AMQPError, OSError, RuntimeError, TimeoutError) as error:
            raise Unpublished(str(error) or type(error).__name__, is_broken=True) from None
        return {}

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()


async def connect(url: str) -> RabbitMQ:
    """Open a connection. Raises Unpublished."""
    try:
        connection = await aio_pika.connect(url, timeout=CONNECT_SECONDS)
    except ProbableAuthenticationError:
        raise Unpublished("the broker does not know this user or password", is_final=True) from None
    except (AMQPError, OSError, TimeoutError) as error:
        raise Unpublished(str(error) or type(error).__name__, is_broken=True) from None
    # A message that no queue takes comes back; only with both it is an error.
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    return RabbitMQ(connection, channel)
