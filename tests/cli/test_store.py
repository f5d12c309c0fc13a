"""`hookagent store`: a whole store goes into another one, and two are compared."""

import asyncio
import json

import pytest

from hookagent.config.load import load
from hookagent.errors import ExitCode, OutsideError
from hookagent.job import RunState
from hookagent.pipeline.nodes import Role
from hookagent.runtime.opening import opened_store
from hookagent.store.sqlite import SqliteStore

FROM = "sqlite:///.hookagent/hookagent.db"
TO = "sqlite:///copy/hookagent.db"


@pytest.fixture
def filled(seed, folder):
    """Give a project whose store holds something."""
    first, _ = seed.events({"id": 1}, {"id": 2})
    seed.runs(first, RunState.DEAD)
    seed.refusals({"id": 3})
    (folder / "copy").mkdir(mode=0o700)
    return seed


def test_a_store_is_copied_and_is_the_same(filled, run):
    code, out, err = run("store", "copy", FROM, TO)
    rows = dict(line.split("\t")[:2] for line in out.splitlines())
    assert code == ExitCode.DONE
    assert (rows["events"], rows["runs"], rows["rejected"]) == ("2", "1", "1")
    assert "3 events and runs copied" in err
    assert "2 events are found by their key" in err
    assert run("store", "compare", FROM, TO) == (ExitCode.DONE, "the same\n", "")
    listed = [run("inspect", "--json", "--store", url)[1] for url in (FROM, TO)]
    assert listed[0] == listed[1] != ""


def test_the_answer_as_json(filled, run):
    code, out, err = run("store", "copy", FROM, TO, "--json")
    told = json.loads(out)
    assert (code, err) == (ExitCode.DONE, "")
    assert told["state"] == "done"
    assert (told["carried"], told["resumed_at"], told["keys"]) == (3, 0, 2)
    assert told["parts"]["events"]["rows"] == 2
    assert len(told["parts"]["events"]["hash"]) == 64


def test_ahead_of_the_last_pass(filled, run):
    code, out, err = run("store", "copy", FROM, TO, "--ahead", "--json")
    told = json.loads(out)
    assert (code, told["state"], told["carried"]) == (ExitCode.DONE, "ahead", 3)
    filled.events({"id": 4})
    code, out, err = run("store", "copy", FROM, TO)
    assert code == ExitCode.DONE
    assert "1 events and runs copied" in err
    assert "3 were there before" in err


def test_a_source_in_use_is_named(filled, run, folder):
    async def used():
        store = SqliteStore(folder / ".hookagent" / "hookagent.db")
        await store.open()
        try:
            return await asyncio.to_thread(run, "store", "copy", FROM, TO)
        finally:
            await store.close()

    code, out, err = asyncio.run(used())
    assert (code, out) == (ExitCode.OUTSIDE, "")
    assert "another `hookagent serve` (pid" in err
    assert "--ahead" in err


def test_an_agent_does_not_begin_on_half_a_copy(filled, run, folder):
    run("store", "copy", FROM, TO, "--ahead")
    config = load(folder / "hookagent.toml", environ={}, cwd=folder, flags={"store.url": TO})

    async def begin():
        async with opened_store(config, Role.ALL):
            pass

    with pytest.raises(OutsideError, match="a copy that is not complete"):
        asyncio.run(begin())
    run("store", "copy", FROM, TO)
    asyncio.run(begin())


def test_stores_that_differ(filled, run):
    run("store", "copy", FROM, TO)
    filled.events({"id": 5})
    code, out, _ = run("store", "compare", FROM, TO)
    assert code == ExitCode.NO
    assert "events: 3 rows and 2, not the same" in out
    code, out, _ = run("store", "compare", FROM, TO, "--json")
    told = json.loads(out)
    assert (code, told["same"]) == (ExitCode.NO, False)
    assert {one["part"] for one in told["different"]} == {"events", "unrouted", "tallies"}


@pytest.mark.parametrize(
    ("source", "target", "code", "said"),
    [
        (FROM, FROM, ExitCode.USAGE, "both are the same store"),
        ("sqlite:///nowhere.db", TO, ExitCode.OUTSIDE, "there is no store"),
        ("mysql://u:geheim@h/x", TO, ExitCode.CONFIG, "is not a store"),
        (FROM, "postgresql://u:geheim@127.0.0.1:1/x?connect_timeout=1", ExitCode.OUTSIDE, "127.0.0.1:1"),
        (FROM, "postgresql://u:${NOT_SET}@127.0.0.1/x", ExitCode.CONFIG, "NOT_SET"),
    ],
)  # fmt: skip
def test_what_cannot_be_copied(filled, run, source, target, code, said):
    found = run("store", "copy", source, target)
    assert found[0] == code
    assert said in found[2]
    assert "geheim" not in found[1] + found[2]


def test_an_interruption_says_that_it_can_be_gone_on_with(filled, run, monkeypatch):
    async def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("hookagent.store.copying.copy", interrupted)
    code, _, err = run("store", "copy", FROM, TO)
    assert code == ExitCode.INTERRUPTED
    assert "goes on where it stopped" in err
