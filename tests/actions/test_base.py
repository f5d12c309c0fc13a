"""Pure and adapter: what actions are told, and what they share."""

import asyncio

import pytest

from hookagent.actions.base import HOPS_MAX, Call, Own, hops
from tests.actions.conftest import call_of, event_of


def test_a_call_tells_the_same_key_on_every_try():
    assert call_of(attempt=1).idempotency_key == call_of(attempt=4).idempotency_key == "run_1-0"


def test_a_call_is_made_of_its_event():
    call = call_of(event_of(headers={"X-Hookagent-Hop": "2"}))

    assert isinstance(call, Call)
    assert (call.event_id, call.source, call.type) == ("evt_1", "shop", "order.paid")
    assert (call.client_ip, call.hop) == ("192.0.2.7", 2)


@pytest.mark.parametrize("text", ["x", "-1", "999", "", "\uff11"])
def test_an_unreadable_hop_count_counts_as_the_limit(text):
    assert hops(event_of(headers={"X-Hookagent-Hop": text})) == HOPS_MAX


def test_nothing_is_ours_until_it_is_said():
    assert Own() == Own(ports=frozenset(), hosts=frozenset())


class Resource:
    def __init__(self):
        self.is_closed = False

    async def close(self):
        self.is_closed = True


async def test_a_shared_resource_is_made_once_and_closed_at_the_end(outside):
    made = []

    async def make():
        await asyncio.sleep(0)
        made.append(Resource())
        return made[-1]

    one, other = await asyncio.gather(outside.share("r", make), outside.share("r", make))
    await outside.close()

    assert one is other
    assert len(made) == 1
    assert one.is_closed


async def test_a_failed_making_is_tried_again(outside):
    tries = []

    async def make():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return Resource()

    with pytest.raises(OSError, match="not yet"):
        await outside.share("r", make)

    assert await outside.share("r", make)


async def test_a_forgotten_resource_is_closed_and_made_anew(outside):
    async def make():
        return Resource()

    first = await outside.share("r", make)
    await outside.forget("r")

    assert first.is_closed
    assert await outside.share("r", make) is not first


async def test_closing_does_not_wait_for_what_is_still_being_made(outside):
    async def make():
        await asyncio.Event().wait()
        return Resource()

    waiting = asyncio.ensure_future(outside.share("r", make))
    await asyncio.sleep(0)

    await outside.close()

    with pytest.raises(asyncio.CancelledError):
        await waiting
