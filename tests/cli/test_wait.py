"""`hookagent wait`, `diff` and `shapes`: what scripts and CI ask of the store."""

import json
import threading
import time

import pytest

from hookagent.job import RunState
from tests.cli.workbench import EVIL, NOW, harmful


def order(number, **more):
    return {"id": f"o-{number}", "type": "order.paid", "amount": number * 100, **more}


def lines(out):
    return [json.loads(line) for line in out.splitlines()]


# wait


def test_events_that_are_there_already_count_with_since(seed, run):
    made = seed.events(order(1), order(2), order(3, type="refund"))

    code, out, err = run(
        "wait", "--since", "2026-01-01", "--count", "2", "--type", "order.*", "--json"
    )
    _, text, _ = run("wait", "--since", "2026-01-01")

    found = lines(out)
    assert (code, err) == (0, "")
    assert [one["id"] for one in found] == made[:2]
    assert json.loads(found[0]["body"])["amount"] == 100
    assert {"verdict", "runs", "duplicates"} <= set(found[0])
    assert made[0] in text


def test_what_does_not_come_in_time_is_exit_code_1_and_what_came_is_printed(seed, run):
    seed.events(order(1), order(2))

    code, out, err = run(
        "wait", "--since", "2026-01-01", "--where", "amount >= 150", "--count", "2",
        "--timeout", "150ms", "--json",
    )  # fmt: skip

    assert code == 1
    assert len(lines(out)) == 1
    assert err == "1 of 2 events within 0.15 s\n"


def test_it_waits_for_what_comes_after_it_began(seed, run):
    seed.events(order(1))
    now = time.time_ns() // 1_000_000
    late = threading.Thread(target=lambda: seed.events(order(2), at=now + 5_000))
    late.start()

    code, out, _ = run("wait", "--timeout", "60s", "--json")

    late.join()
    assert code == 0
    assert [json.loads(one["body"])["id"] for one in lines(out)] == ["o-2"]


def test_it_waits_for_a_run_to_end(seed, run):
    (event,) = seed.events(order(1))
    late = threading.Thread(target=lambda: seed.runs(event, RunState.DONE))
    late.start()

    code, out, _ = run(
        "wait", "--since", "2026-01-01", "--status", "done", "--timeout", "60s", "--json"
    )

    late.join()
    assert code == 0
    assert lines(out)[0]["runs"][0]["state"] == "done"


@pytest.mark.parametrize(
    "arguments", [["--timeout", "soon"], ["--where", "a >="], ["--count", "0"], ["--since", "x"]]
)
def test_what_cannot_be_read_is_wrong_usage(seed, run, arguments):
    assert run("wait", *arguments)[0] == 2


# diff


def test_what_differs_every_time_is_set_aside(seed, run):
    one, two = seed.events(order(1, created_at=1), order(2, created_at=2, note=EVIL))

    code, out, err = run("diff", one, two, "--json")
    _, every, _ = run("diff", one, two, "--all", "--json")
    _, text, _ = run("diff", one, two)

    assert code == 1
    assert [line["path"] for line in lines(out)] == ["amount", "note"]
    assert [line["path"] for line in lines(every)] == ["id", "amount", "created_at", "note"]
    assert "set aside: 2" in err
    assert "amount: 100 → 200" in text
    assert harmful(text) == []


def test_two_that_carry_the_same_are_exit_code_0(seed, run):
    one, two = seed.events({"id": "1", "type": "t"}, {"id": "2", "type": "t"})

    code, out, err = run("diff", one, two)

    assert (code, out) == (0, "")
    assert err.startswith("they carry the same\n")


def test_files_are_compared_without_a_configuration(run, folder):
    (folder / "a.json").write_text('{"amount": 1}')
    (folder / "b.json").write_text('{"amount": 2}')
    (folder / "many.json").write_text('{"body": "1"}\n{"body": "2"}\n')

    assert run("diff", "a.json", "b.json")[:2] == (1, "amount: 1 → 2\n")
    assert run("diff", "a.json", "many.json")[0] == 2
    assert run("diff", "a.json", "nothing.json")[0] == 4


# shapes


def test_fields_are_listed_with_what_changed_lately(seed, run):
    seed.events(*[order(n, customer="c", **{EVIL: 1}) for n in range(8)])
    seed.events(order(9, customer=None), order(10), at=NOW + 60_000)

    code, out, err = run("shapes", "order.*", "--lately", "2")
    _, as_json, _ = run("shapes", "order.*", "--lately", "2", "--json")

    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}
    found = {line["path"]: line for line in lines(as_json)}
    assert code == 0
    assert rows["customer"] == ["string/null", "9", "10 %", "11 %"]
    assert rows["amount"] == ["number", "10", "-", "-"]
    assert "null    customer: never null → null in 1 of 1" in err
    assert found["customer"]["changes"][0]["what"] == "null"
    assert (found["amount"]["present"], found["amount"]["types"]) == (10, {"number": 10})
    assert harmful(out + err + as_json) == []


def test_one_event_has_a_shape_and_no_event_has_none(seed, run):
    seed.events(order(1))

    assert run("shapes")[0] == 0
    assert run("shapes", "nothing.*")[0] == 4
