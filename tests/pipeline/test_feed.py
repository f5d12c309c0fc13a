"""Pure: everybody hears everything in order, and a slow listener hurts only itself."""

import msgspec

from hookagent.pipeline.feed import BACKLOG_MAX, Feed, Ready, Stopped, Trouble


async def test_every_listener_hears_everything_in_order():
    feed = Feed()
    first, second = feed.subscribe(), feed.subscribe()

    for number in range(3):
        feed.publish(Stopped(at=number, left=0))

    assert [one.at for one in await first.batch()] == [0, 1, 2]
    assert [one.at for one in await second.batch()] == [0, 1, 2]


async def test_a_slow_listener_loses_the_oldest_and_is_told_how_many():
    feed = Feed()
    slow = feed.subscribe()

    for number in range(BACKLOG_MAX + 5):
        feed.publish(Stopped(at=number, left=0))

    news = await slow.batch()
    assert (slow.lost, news[0].at, len(news)) == (5, 5, BACKLOG_MAX)


async def test_closing_ends_the_iteration_after_what_is_queued():
    feed = Feed()
    subscription = feed.subscribe()
    feed.publish(Stopped(at=1, left=0))
    feed.close()

    assert [one.at async for one in subscription] == [1]


def test_nobody_listens_until_somebody_does():
    feed = Feed()
    assert not feed.has_listeners

    feed.unsubscribe(feed.subscribe())

    assert not feed.has_listeners


def test_the_ready_line_is_the_one_scripts_wait_for():
    line = msgspec.json.encode(Ready(at=1, listener="http://127.0.0.1:1"))

    assert line.startswith(
        b'{"event":"ready","at":1,"listener":"http://127.0.0.1:1","inspector":null,"public":null'
    )
    assert (
        msgspec.json.decode(msgspec.json.encode(Trouble(at=1, part="p", message="m")))["event"]
        == "trouble"
    )
