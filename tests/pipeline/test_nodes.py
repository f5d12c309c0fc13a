"""Adapter: nodes say how they are; pure: where they differ."""

import asyncio
import os
import subprocess
import sys

import msgspec

from hookagent.pipeline import nodes
from hookagent.pipeline.leases import Leases
from hookagent.pipeline.nodes import (
    Load,
    Reporter,
    Role,
    Silence,
    config_hash,
    differences,
    disagreements,
)
from hookagent.store.sharing import Node
from tests.patience import PATIENCE_S
from tests.pipeline.conftest import NOW
from tests.whole.served import write_project


def node(n=1, **changes):
    given = {
        "id": f"agent_{n}", "name": "host", "pid": n, "role": "all", "version": "1",
        "config": "c", "rules": "r", "seen_at": NOW,
    }  # fmt: skip
    return Node(**given | changes)


async def test_a_node_reports_until_it_ends_and_takes_its_report_along(store, monkeypatch):
    monkeypatch.setattr(nodes, "REPORT_S", 0.01)
    load = Load(rules="r2", running=3, waiting=4)
    reporter = Reporter(store, node(), lambda: load, lambda: NOW + 5)
    task = asyncio.ensure_future(reporter.run())
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await store.nodes(since=0)):  # noqa: ASYNC110 - told by nobody
            await asyncio.sleep(0.01)

    expected = msgspec.structs.replace(
        node(), seen_at=NOW + 5, rules="r2", running=3, waiting=4, lag_ms=0
    )
    assert found == [expected]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await store.nodes(since=0) == []


class Noting(Leases):
    """Takes note of the heartbeats that are in the store."""

    sent_at = 0

    def heard_of(self, sent_at: int) -> None:
        self.sent_at = self.sent_at or sent_at


async def test_a_node_that_works_takes_over_from_one_that_fell_silent(store, monkeypatch):
    monkeypatch.setattr(nodes, "REPORT_S", 0.01)
    monkeypatch.setattr(nodes, "SILENT_MS", 50)
    released: list[str] = []
    leases = Noting(store, "agent_1", 60_000, lambda: NOW)

    async def release(silent):
        released.extend(one.id for one in silent)
        return 0

    monkeypatch.setattr(store, "release", release)
    await store.report(node(2))
    now = iter(range(NOW, NOW + 1_000_000))
    reporter = Reporter(store, node(1), Load, lambda: next(now), leases)
    task = asyncio.ensure_future(reporter.run())
    async with asyncio.timeout(PATIENCE_S):
        while not released:  # noqa: ASYNC110 - told by nobody
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert released == ["agent_2"]
    assert leases.sent_at == NOW


def heard(silence, now, **seen_at):
    nodes = [node(n, id=name, seen_at=at) for n, (name, at) in enumerate(seen_at.items())]
    return [one.id for one in silence.look(nodes, now)]


def test_a_node_is_silent_when_its_report_stays_the_same_and_that_is_said_once():
    silence = Silence()
    said = [heard(silence, now, a=1, b=now) for now in range(0, 24_000, 2_000)]
    assert said == [[], [], [], [], [], ["a"], [], [], [], [], [], []]
    assert heard(silence, 24_000, a=2, b=24_000) == []
    again = [heard(silence, now, a=2) for now in range(26_000, 36_000, 2_000)]
    assert again == [[], [], [], [], ["a"]]


def test_a_clock_that_is_set_back_is_no_silence():
    silence = Silence()
    assert not any(heard(silence, 1_000 * n, a=5_000 - n) for n in range(30))


def test_who_could_not_look_for_a_while_says_of_nobody_that_he_was_silent():
    """The database was away for a minute, and all nodes with it."""
    silence = Silence()
    assert [heard(silence, now, a=1) for now in (0, 4_000, 8_000)] == [[], [], []]
    assert heard(silence, 68_000, a=1) == []
    assert heard(silence, 73_000, a=1) == []
    assert heard(silence, 78_000, a=1) == ["a"]


def test_nodes_that_agree_are_no_news():
    alike = [node(1), node(2), node(3, role="receive", rules="")]
    assert differences(alike, NOW) == []


def test_differences_name_the_nodes_and_what_they_have():
    given = [node(1), node(2, version="2", rules="s"), node(3, config="")]
    assert disagreements(given, NOW) == [
        "versions differ: 1 at host:1, host:3; 2 at host:2",
        "configurations differ: c at host:1, host:2; none at host:3",
        "rules differ: r at host:1, host:3; s at host:2",
    ]


def test_a_silent_node_is_told_of_and_compared_no_more():
    given = [node(1), node(2, version="0", seen_at=NOW - 30_000)]
    assert disagreements(given, NOW) == []
    assert differences(given, NOW) == ["host:2 has been silent for 30 s"]


def test_the_hash_is_that_of_what_must_agree_and_of_no_secret(config):
    before = config_hash(config)
    source = config.sources["shop"]
    import dataclasses

    def with_source(**changes):
        changed = dataclasses.replace(source, **changes)
        return dataclasses.replace(config, sources={"shop": changed})

    assert config_hash(with_source(secrets=("another",))) == before
    assert config_hash(with_source(path="/other")) != before
    elsewhere = dataclasses.replace(config.server, port=1)
    assert config_hash(dataclasses.replace(config, server=elsewhere)) == before
    slower = dataclasses.replace(config.worker, lease_ms=1)
    assert config_hash(dataclasses.replace(config, worker=slower)) != before


def test_the_hash_is_the_same_in_every_process(tmp_path):
    more = '\n[[expect]]\nname = "x"\nmatch = "shop/t"\nevery = "1h"\n'
    project = write_project(tmp_path, more=more)
    code = (
        "import sys; from pathlib import Path; from hookagent.config.load import load;"
        "from hookagent.pipeline.nodes import config_hash; p = Path(sys.argv[1]);"
        "print(config_hash(load(p / 'hookagent.toml', environ={}, cwd=p)))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code, str(project)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert said != {b""}


def test_there_are_three_roles():
    assert [str(role) for role in Role] == ["all", "receive", "work"]
