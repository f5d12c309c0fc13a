"""Adapter: nodes say how they are; pure: where they differ."""

import asyncio
import os
import subprocess
import sys

import msgspec

from hookagent.pipeline import nodes
from hookagent.pipeline.nodes import Load, Reporter, Role, config_hash, differences, disagreements
from hookagent.store.sharing import Node
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
    async with asyncio.timeout(5):
        while not (found := await store.nodes(since=0)):  # noqa: ASYNC110 - told by nobody
            await asyncio.sleep(0.01)

    expected = msgspec.structs.replace(
        node(), seen_at=NOW + 5, rules="r2", running=3, waiting=4, lag_ms=0
    )
    assert found == [expected]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await store.nodes(since=0) == []


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
