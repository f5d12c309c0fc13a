"""A store, a feed and parts of the pipeline, without sockets."""

import itertools

import pytest

from hookagent.config.load import load
from hookagent.event import Event
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.gate import Gate
from hookagent.pipeline.ingest import Ingest
from hookagent.pipeline.limiter import FailureLimiter
from hookagent.providers.verify import Verifier
from hookagent.store.registry import open_store
from tests.whole.served import write_project

NOW = 1_800_000_000_000


class Desk:
    """A worker that only takes notes."""

    owner = "desk"

    def __init__(self) -> None:
        self.has_room = True
        self.offered: list[Event] = []
        self.noted: list[Event] = []
        self.wanted = True

    def wants(self, _event) -> bool:
        return self.wanted

    def lease(self, now: int) -> int:
        return now + 60_000 if self.has_room else 0

    def offer(self, event) -> None:
        self.offered.append(event)

    def note(self, event) -> None:
        self.noted.append(event)


@pytest.fixture
async def store(tmp_path):
    opened = open_store("sqlite:///test.db", tmp_path / "state", mode="serve")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def feed():
    return Feed()


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def config(tmp_path):
    project = write_project(tmp_path / "project")
    return load(project / "hookagent.toml", environ={}, cwd=project)


@pytest.fixture
def gate(config):
    source = config.sources["shop"]
    return Gate(source, Verifier(source.scheme, source.secrets), None)


@pytest.fixture
def make_ingest(store, feed, desk):
    counter = itertools.count(1)

    def make(*gates, per_minute=600):
        return Ingest(
            {gate.source.name: gate for gate in gates},
            store,
            feed,
            desk,
            clock=lambda: NOW,
            entropy=lambda: next(counter),
            replay_key=b"k" * 32,
            limiter=FailureLimiter(per_minute),
        )

    return make
