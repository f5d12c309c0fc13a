"""Redis Streams. A script adds an entry and remembers the idempotency key in one go."""

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from hookagent.actions.brokers.base import Message, Unpublished

CONNECT_SECONDS = 5
REMEMBERED_SECONDS = 7 * 86_400
"""How long a repetition is known: longer than a run is tried again."""
_ADD_ONCE = """
local known = redis.call('GET', KEYS[2])
if known then return {known, 1} end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
return {id, 0}
"""
_FINAL = ("WRONGTYPE", "NOAUTH", "NOPERM", "WRONGPASS", "unknown command")


class RedisStreams:
    """One pool of connections."""

    def __init__(self, client: "Redis") -> None:
        self._client = client

    async def publish(self, message: Message) -> dict[str, object]:
        """Add one entry to the stream, unless this key has added it already."""
        fields: list[bytes | str] = ["id", message.key, "data", message.body]
        if message.content_type:
            fields += ["content_type", message.content_type]
        for name, value in message.headers.items():
            fields += [name, value]
        # The braces keep both keys on one node of a cluster.
        known = f"{{{message.topic}}}:hookagent:{message.key}"
        try:
            answer = await self._client.eval(
                _ADD_ONCE, 2, message.topic, known, REMEMBERED_SECONDS, *fields,
            )  # fmt: skip
        except ResponseError as error:
            text = str(error)
            is_final = any(word in text for word in _FINAL)
            raise Unpublished(text, is_final=is_final) from None
        except (RedisError, OSError, TimeoutError) as error:
            raise Unpublished(str(error) or type(error).__name__, is_broken=True) from None
        entry, repeated = answer
        return {"entry": entry.decode(), "is_duplicate": bool(repeated)}

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()


async def connect(url: str) -> RedisStreams:
    """Open a connection. Raises Unpublished."""
    client = Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=30)
    try:
        await client.ping()
    except AuthenticationError as error:
        await client.aclose()
        raise Unpublished(str(error), is_final=True) from None
    except (RedisError, OSError, TimeoutError) as error:
        await client.aclose()
        raise Unpublished(str(error) or type(error).__name__, is_broken=True) from None
    return RedisStreams(client)
