"""Whole: nodes on one PostgreSQL, looked at and steered from a machine that is none of them."""

import http.client
import json
import os
import time

import pytest

from hookagent.pipeline.duty import PRUNE, WATCH
from hookagent.store.sharing import JUDGE
from tests.store.postgres.cluster import NoServer, any_server
from tests.whole.served import WAIT_S, Served, lines, run, write_project

psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
pytestmark = pytest.mark.alone

RULES = """
[rule.it]
retry = { attempts = 1 }
[[rule.it.do]]
action = "file"
path = "effects.txt"
line = "{{ id }}"

[rule.broken]
on = "shop/broken"
retry = { attempts = 1 }
[[rule.broken.do]]
action = "http"
url = "http://127.0.0.1:9/"

[rule.once]
throttle = { once = "1h" }
[[rule.once.do]]
action = "log"
text = "once"
"""
MORE = '\n[worker]\nlease = "3s"\n'


@pytest.fixture(scope="module")
def server():
    try:
        with any_server() as url:
            yield url
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture
def machine(server, tmp_path, request):
    """Make the folder of one machine; all of them have the same store."""
    name = f"whole{os.getpid()}_{abs(hash(request.node.name)) % 1_000_000}"
    url = f"{server}{'&' if '?' in server else '?'}schema={name}"

    def make(place, rules=RULES):
        folder = write_project(tmp_path / place, rules=rules, more=MORE)
        config = folder / "hookagent.toml"
        config.write_text(config.read_text().replace("sqlite:///.hookagent/hookagent.db", url))
        return folder

    yield make
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')


@pytest.fixture
def nodes(machine):
    """Run one receiver and two workers, one of them with the inspector."""
    started = []
    try:
        started.append(Served(machine("receiver"), "--role", "receive"))
        started.append(Served(machine("one"), command="work"))
        started.append(Served(machine("two"), "--inspector", command="work"))
        yield started
    finally:
        for node in started:
            node.close()


def eventually(look, seconds=WAIT_S):
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def test_any_machine_sees_and_steers_what_the_nodes_do(machine, nodes):
    receiver, *workers = nodes
    here = machine("desk")
    status, answer = receiver.post({"id": "a", "type": "order"})
    assert (status, answer["status"]) == (200, "accepted")

    waited = run(here, "wait", "--type", "order", "--timeout", "60s", "--since", "1h", "--json")
    assert waited.returncode == 0, waited.stderr
    assert lines(waited)[0]["id"] == answer["id"]

    def done():
        shown = lines(run(here, "inspect", answer["id"], "--json"))[0]
        return {(one["rule"], one["state"]) for one in shown["runs"]}

    # what looks at several events speaks a moment later
    assert eventually(lambda: done() == {("it", "done"), ("once", "done")})

    replayed = run(here, "replay", answer["id"], "--set", "id=b")
    assert replayed.returncode == 0, replayed.stderr
    newest = lines(run(here, "inspect", "--json"))[0]
    assert (newest["origin"], newest["parent"]) == ("replay", answer["id"])

    _, broken = receiver.post({"id": "c", "type": "broken"})

    def dead():
        return lines(run(here, "dead", "--json"))

    (run_of,) = eventually(dead)
    retried = run(here, "retry", run_of["id"])
    assert retried.returncode == 0, retried.stderr
    (stats,) = lines(run(here, "stats", "--json"))
    assert (stats["events"], stats["unrouted"]) == (3, 0)
    assert broken["status"] == "accepted"

    def agreed():
        told = run(here, "nodes", "--json")
        found = lines(told)
        held = {duty for one in found for duty in one["duties"]}
        return found if told.returncode == 0 and held == {JUDGE, PRUNE, WATCH} else None

    found = eventually(agreed)
    assert found, run(here, "nodes").stderr
    assert sorted(one["role"] for one in found) == ["receive", "work", "work"]
    assert all(one["role"] == "work" for one in found if one["duties"])

    effects = [
        (worker.folder / "effects.txt").read_text().split()
        for worker in workers
        if (worker.folder / "effects.txt").exists()
    ]
    assert sorted(name for names in effects for name in names) == ["a", "b", "c"]


def ask(inspector, method, path, body=b""):
    """Ask an inspector as its page does."""
    base, _, token = inspector.partition("/?token=")
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=WAIT_S)
    headers = {
        "Authorization": f"Bearer {token}", "X-Hookagent": "1", "Content-Type": "application/json",
    }  # fmt: skip
    try:
        connection.request(method, path, body, headers)
        return json.load(connection.getresponse())
    finally:
        connection.close()


def test_the_inspector_of_a_worker_replays_by_a_receiver(nodes):
    receiver, _, worker = nodes
    assert worker.listener is None
    _, answer = receiver.post({"id": "a", "type": "order"})

    said = ask(worker.inspector, "POST", f"/api/events/{answer['id']}/replay", b"{}")
    newest = ask(worker.inspector, "GET", "/api/events")["events"][0]

    assert said["status"] == 200
    assert (newest["id"], newest["origin"]) == (said["event"], "replay")
    assert newest["parent"] == answer["id"]


def test_without_a_receiver_a_replay_says_what_to_pass(machine):
    event = machine("desk") / "event.json"
    event.write_text(json.dumps({"source": "shop", "body": '{"id": "x"}'}))

    done = run(event.parent, "replay", str(event))

    assert done.returncode == 5
    assert b"--to" in done.stderr


def test_nodes_with_other_rules_are_told_of_and_their_duties_go_over(machine):
    first = Served(machine("one"), command="work")
    second = None
    try:
        second = Served(machine("two", RULES.replace('"1h"', '"2h"')), command="work")
        here = machine("desk")

        def differ():
            told = run(here, "nodes", "--json")
            return told if told.returncode == 1 and len(lines(told)) == 2 else None

        told = eventually(differ)
        assert told is not None
        assert b"rules differ" in told.stderr
        first.kill()

        def taken_over():
            found = lines(run(here, "nodes", "--json"))
            heirs = [one for one in found if set(one["duties"]) == {JUDGE, PRUNE, WATCH}]
            return [one["pid"] for one in heirs] == [second.process.pid]

        assert eventually(taken_over)
    finally:
        first.close()
        if second is not None:
            second.close()
