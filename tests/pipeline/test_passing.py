"""Adapter: the front door of `forward` on a real store, with an application that is a value."""

import asyncio
import itertools

import msgspec
import pytest

from hookagent.errors import OutsideError
from hookagent.event import Headers, RawRequest
from hookagent.pipeline.answer import UNAVAILABLE
from hookagent.pipeline.limiter import FailureLimiter
from hookagent.pipeline.origin import mark_replay
from hookagent.pipeline.passing import Passing, PassingDesk, Target, passed_back
from hookagent.store.base import EventFilter, StoreFull
from tests.pipeline.conftest import NOW


class Reply(msgspec.Struct, kw_only=True):
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    ms: float = 1.0


class Application:
    """Keeps what came, answers what it is told."""

    def __init__(self):
        self.came = []
        self.answer = Reply()

    async def send(self, request, url):
        self.came.append((request, url))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def app():
    return Application()


@pytest.fixture
def door(store, feed, app):
    counter = itertools.count(1)
    return Passing(
        Target(url="http://127.0.0.1:3000", limit_ms=200),
        app,
        store,
        feed,
        PassingDesk("desk", 200),
        max_body=1000,
        clock=lambda: NOW,
        entropy=lambda: next(counter),
        replay_key=b"k" * 32,
        limiter=FailureLimiter(600),
    )


def request(body=b"{}", **fields):
    return RawRequest(target="/in?a=1", body=body, headers=Headers.of(fields), received_at=NOW)


async def receive(door, raw):
    answered = asyncio.get_running_loop().create_future()
    door.receive(door.gate("/in"), raw, answered.set_result)
    answer = await answered
    await door.settle()
    return answer


async def test_the_answer_is_the_applications_and_both_are_recorded(door, app, store):
    app.answer = Reply(
        status=202,
        headers=(
            ("Content-Type", "text/x"),
            ("Connection", "X-Hop"),
            ("X-Hop", "1"),
            ("X-Kept", "1"),
        ),
        body=b"ok",
    )

    answer = await receive(door, request(**{"X-GitHub-Event": "push", "X-Hub-Signature-256": "x"}))

    (summary,) = await store.events(EventFilter())
    record = await store.event(summary.id)
    ((passed, url),) = app.came
    assert (answer.status, answer.body, answer.content_type) == (202, b"ok", "text/x")
    assert answer.headers == (("X-Kept", "1"),)
    assert url == "http://127.0.0.1:3000/in?a=1"
    assert passed.headers.text("x-hookagent-event") == summary.id
    assert (summary.source, summary.type, summary.integrity, summary.state) == (
        "github", "push", "none", "routed",
    )  # fmt: skip
    assert [(run.rule, str(run.state)) for run in record.runs] == [("forward", "done")]


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (OutsideError("cannot reach it"), 502, "cannot reach it"),
        (TimeoutError(), 504, "no answer within 0.2 s"),
        (Reply(status=404), 404, "answered 404"),
    ],
)
async def test_a_failure_is_answered_and_recorded(door, app, store, answer, status, error):
    app.answer = answer

    got = await receive(door, request())

    (summary,) = await store.events(EventFilter())
    record = await store.event(summary.id)
    assert got.status == status
    assert record.runs[0].reason == error


async def test_what_cannot_be_stored_is_not_passed_on(door, app, monkeypatch, store):
    def full(*_, **__):
        raise StoreFull("full")

    monkeypatch.setattr(store, "accept", full)

    assert await receive(door, request()) == UNAVAILABLE
    assert app.came == []


async def test_a_replay_keeps_its_link_and_its_mark_stays_here(door, app, store):
    await receive(door, request())
    (first,) = await store.events(EventFilter())
    marked = mark_replay(request(), parent=first.id, nonce="n", key=b"k" * 32)

    await receive(door, marked)

    (again, _) = await store.events(EventFilter())
    assert (again.origin, again.parent) == ("replay", first.id)
    assert "x-hookagent-replay" not in app.came[1][0].headers


async def test_equal_requests_are_events_of_their_own(door, app, store):
    for _ in range(3):
        await receive(door, request())

    assert len(await store.events(EventFilter())) == len(app.came) == 3


def test_an_unknown_method_is_refused_and_an_encoded_body_is_not(door):
    gate = door.gate("/any")

    assert door.admit(gate, "BREW", []).status == 405
    assert door.admit(gate, "POST", ["gzip"]) is None


def test_a_target_with_a_path_takes_everything_there():
    target = Target(url="http://a.test/hooks")

    assert target.url_of(RawRequest(target="/x?y=1")) == "http://a.test/hooks?y=1"
    assert target.url_of(RawRequest(target="/x")) == "http://a.test/hooks"


def test_an_answer_without_a_type_has_one():
    assert passed_back(Reply()).content_type == "application/octet-stream"
