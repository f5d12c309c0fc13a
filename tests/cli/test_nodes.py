"""Command: `nodes`, and the roles that need a shared store."""

import asyncio
import json
import time

import pytest

from hookagent.pipeline.duty import PRUNE
from hookagent.store.registry import open_store
from hookagent.store.sharing import Node
from tests.whole.served import run, write_project


def node(n, **changes):
    now = time.time_ns() // 1_000_000
    given = {
        "id": f"agent_{n}", "name": "host", "pid": n, "role": "all", "version": "1",
        "config": "c", "rules": "r", "started_at": n, "seen_at": now, "running": 2, "lag_ms": 1500,
    }  # fmt: skip
    return Node(**given | changes)


@pytest.fixture
def project(tmp_path):
    return write_project(tmp_path)


def report(project, *nodes):
    async def go():
        store = open_store("sqlite:///hookagent.db", project / ".hookagent")
        await store.open()
        for one in nodes:
            await store.report(one)
        now = nodes[0].seen_at
        await store.hold(PRUNE, nodes[0].id, now=now, until=now + 60_000)
        await store.close()

    asyncio.run(go())


def test_nodes_that_agree_are_listed_with_load_lag_and_duties(project):
    report(project, node(1), node(2, role="work"))

    done = run(project, "nodes")

    assert done.returncode == 0, done.stderr
    first, second = done.stdout.decode().splitlines()[-2:]
    assert first.split()[:7] == ["host:1", "all", "1", "c", "r", "2", "0"]
    assert first.split()[-1] == "prune"
    assert second.split()[1] == "work"
    assert b"warning" not in done.stderr


def test_nodes_that_differ_are_a_warning_and_exit_code_1(project):
    report(project, node(1), node(2, rules="s"))

    done = run(project, "nodes", "--json")

    assert done.returncode == 1
    assert b"warning: rules differ: r at host:1; s at host:2" in done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["rules"] for one in told] == ["r", "s"]
    assert [one["duties"] for one in told] == [["prune"], []]
    assert [one["silent"] for one in told] == [False, False]


def test_a_store_of_one_owner_has_no_nodes(project):
    done = run(project, "nodes")

    assert (done.returncode, done.stdout) == (0, b"")
    assert b"one owner at a time" in done.stderr


@pytest.mark.parametrize("command", [("work",), ("serve", "--role", "receive")])
def test_one_of_several_nodes_needs_a_shared_store(project, command):
    done = run(project, *command)

    assert done.returncode == 2
    assert " ".join(command).encode() in done.stderr
    assert b"postgresql://" in done.stderr


@pytest.mark.parametrize(("role", "hint"), [("work", b"hookagent work"), ("x", b"all or receive")])
def test_an_unknown_role_is_wrong_usage(project, role, hint):
    done = run(project, "serve", "--role", role)

    assert done.returncode == 2
    assert hint in done.stderr
