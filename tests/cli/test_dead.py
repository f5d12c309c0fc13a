"""`hookagent dead` and `retry`: what ended badly is listed, revived or set aside, never dropped."""

import json

import pytest

from hookagent.job import RunState
from tests.cli.workbench import EVIL, harmful


@pytest.fixture
def dead(seed):
    """Give two dead runs of two rules, and a run that is done; returns their ids and event's."""
    first, second, third = seed.events({"id": 1}, {"id": 2}, {"id": 3})
    runs = [
        seed.runs(first, RunState.DEAD, rule="one", reason=f"the target said 500 {EVIL}"),
    ]
    del second, third
    (fourth,) = seed.events({"id": 4})
    runs.append(seed.runs(fourth, RunState.DEAD, rule="two", reason="gave up"))
    (fifth,) = seed.events({"id": 5})
    runs.append(seed.runs(fifth, RunState.DONE, rule="two"))
    return runs, [first, fourth, fifth]


def test_dead_runs_are_listed_with_their_reasons(run, dead):
    (one, two, _), (event, *_) = dead

    code, out, err = run("dead")
    _, as_json, _ = run("dead", "--json")
    _, narrowed, _ = run("dead", "--rule", "two", "--json")

    assert code == 0
    assert "hookagent retry RUN" in err
    assert harmful(out + as_json) == []
    found = {line["id"]: line for line in map(json.loads, as_json.splitlines())}
    assert set(found) == {one, two}
    assert (found[one]["event"], found[one]["state"], found[one]["rule"]) == (event, "dead", "one")
    assert [json.loads(line)["id"] for line in narrowed.splitlines()] == [two]


def test_nothing_dead_is_said(seed, run):
    assert run("dead") == (0, "", "nothing is dead\n")


def test_a_dead_run_is_pending_again_once(run, dead):
    (one, two, done), (_, event, _) = dead

    first = run("retry", one)
    again = run("retry", one)
    by_event = run("retry", event, "--json")
    finished = run("retry", done)

    assert first[:2] == (0, f"{one}  one  pending again\n")
    assert (again[0], again[1]) == (1, "")
    assert "is not dead" in again[2]
    assert json.loads(by_event[1])["id"] == two
    assert json.loads(by_event[1])["state"] == "pending"
    assert finished[0] == 1


@pytest.mark.parametrize(("option", "count"), [(["--all"], 2), (["--rule", "one"], 1)])
def test_many_are_retried_at_once(run, dead, option, count):
    code, out, _ = run("retry", *option)

    assert (code, len(out.splitlines())) == (0, count)


def test_nothing_to_retry_is_said(run, seed):
    (event,) = seed.events({"id": 1})

    assert run("retry", event) == (0, "", "nothing is dead\n")
    assert run("retry", "--all") == (0, "", "nothing is dead\n")


def test_a_dead_run_is_set_aside_for_good(run, dead):
    (one, _, _), (event, *_) = dead

    code, out, _ = run("dead", one, "--discard")

    assert (code, out) == (0, f"{one}  one  discarded\n")
    assert run("dead", one, "--discard")[0] == 1
    assert run("retry", one)[0] == 1
    shown = json.loads(run("inspect", event, "--json")[1])
    assert shown["runs"][0]["state"] == "discarded"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["retry"], 2),
        (["retry", "run_nothing"], 4),
        (["retry", "evt_nothing"], 4),
        (["dead", "evt_nothing", "--discard"], 4),
        (["dead", "--discard"], 2),
        (["dead", "run_1"], 2),
        (["dead", "run_nothing", "--discard"], 4),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(run, seed, arguments, code):
    assert run(*arguments)[0] == code
