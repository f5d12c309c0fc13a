"""MQTT 5 with QoS 1: at least once, confirmed; the idempotency key is a user property."""

from contextlib import AsyncExitStack
from urllib.parse import unquote, urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hookagent.actions.brokers.base import Message, Unpublished

CONNECT_SECONDS = 5
_AUTHORIZATION = frozenset({134, 135})
"""Reason codes of CONNACK: bad user name or password, not authorized."""


class Mqtt:
    """One connection."""

    def __init__(self, client: aiomqtt.Client, stack: AsyncExitStack) -> None:
        self._client = client
        self._stack = stack

    async def publish(self, message: Message) -> dict[str, object]:
        """Hand over one message; done when the broker has confirmed it."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's
        properties.UserProperty = [("id", message.key), *message.headers.items()]
        if message.content_type:
            properties.ContentType = message.content_type
        try:
            await self._client.publish(
                message.topic,
                message.body,
                qos=1,
                retain=message.retain,
                properties=properties,
            )
        except aiomqtt.MqttError as error:
            raise Unpublished(str(error), is_broken=True) from None
        except ValueError as error:
            raise Unpublished(f"`{message.topic}`: {error}", is_final=True) from None
        return {}

    async def close(self) -> None:
        """End the connection."""
        try:
            await self._stack.aclose()
        except aiomqtt.MqttError:
            return  # it was gone already


async def connect(url: str) -> Mqtt:
    """Open a connection to `mqtt://` or `mqtts://`. Raises Unpublished."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "mqtts"
    client = aiomqtt.Client(
        parts.hostname or "localhost",
        parts.port or (8883 if is_tls else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        protocol=aiomqtt.ProtocolVersion.V5,
        tls_params=aiomqtt.TLSParameters() if is_tls else None,
        timeout=CONNECT_SECONDS,
    )
    stack = AsyncExitStack()
    try:
        await stack.enter_async_context(client)
    except aiomqtt.MqttError as error:
        code = getattr(getattr(error, "rc", None), "value", None)
        is_final = code in _AUTHORIZATION
        raise Unpublished(str(error), is_final=is_final, is_broken=True) from None
    return Mqtt(client, stack)
