"""NATS, core or JetStream; the latter knows repetitions by `Nats-Msg-Id`."""

import nats
from nats.aio.client import Client
from nats.errors import Error, MaxPayloadError, NoServersError
from nats.js.errors import APIError, NoStreamResponseError

from hookagent.actions.brokers.base import Message, Unpublished

CONNECT_SECONDS = 5


class Nats:
    """One connection."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def publish(self, message: Message) -> dict[str, object]:
        """Hand over one message; core NATS only says that the server has read it."""
        headers = {**message.headers, "Nats-Msg-Id": message.key}
        if message.content_type:
            headers["Content-Type"] = message.content_type
        try:
            if message.jetstream:
                stream = self._client.jetstream()
                taken = await stream.publish(message.topic, message.body, headers=headers)
                return {
                    "stream": taken.stream,
                    "seq": taken.seq,
                    "is_duplicate": bool(taken.duplicate),
                }
            await self._client.publish(message.topic, message.body, headers=headers)
            await self._client.flush()
        except NoStreamResponseError:
            text = f"no JetStream stream takes the subject `{message.topic}`"
            raise Unpublished(text, is_final=True) from None
        except MaxPayloadError as error:
            raise Unpublished(f"the message is too large: {error}", is_final=True) from None
        except APIError as error:
            is_final = 400 <= (error.code or 0) < 500  # noqa: PLR2004 - as HTTP's client errors
            raise Unpublished(str(error), is_final=is_final) from None
        except (Error, OSError, TimeoutError) as error:
            raise Unpublished(str(error) or type(error).__name__, is_broken=True) from None
        return {}

    async def close(self) -> None:
        """End the connection."""
        await self._client.close()


async def connect(url: str) -> Nats:
    """Open a connection. Raises Unpublished."""
    refused: list[Exception] = []

    async def note(error: Exception) -> None:
        refused.append(error)

    try:
        client = await nats.connect(
            url,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=CONNECT_SECONDS,
            error_cb=note,
            name="hookagent",
        )
    except (Error, NoServersError, OSError, TimeoutError) as error:
        text = str(refused[0] if refused else error)
        is_final = "authorization" in text.lower()
        raise Unpublished(text, is_final=is_final, is_broken=True) from None
    return Nats(client)
