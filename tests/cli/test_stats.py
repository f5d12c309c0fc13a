"""`hookagent stats`, `prune` and `sources`: counts, retention, and where secrets are."""

import json

import pytest

from hookagent.job import RunState
from tests.cli.workbench import NOW

SECRET = "an-honest-secret-of-32-characters"


def test_counts_are_by_source_even_where_nothing_came(seed, run):
    seed.events({"id": 1}, {"id": 2})
    seed.events({"id": 1}, at=NOW + 9000)
    seed.refusals({"id": 3})

    code, out, _ = run("stats", "--since", "2026-01-01")
    _, as_json, _ = run("stats", "--since", "2026-01-01", "--json")

    rows = {line.split("\t")[0]: line.split("\t")[1:4] for line in out.splitlines() if "\t" in line}
    found = json.loads(as_json)
    assert code == 0
    assert rows == {"shop": ["2", "1", "1"], "pay": ["0", "0", "0"]}
    assert (found["events"], found["unrouted"]) == (2, 2)
    assert found["sources"][0]["duplicates"] == 1
    assert "2 events not yet routed" in out


def test_a_time_nobody_understands_is_wrong_usage(seed, run):
    assert run("stats", "--since", "soon")[0] == 2


def test_old_events_go_and_those_with_work_left_stay(seed, run):
    kept, gone = seed.events({"id": 1}, {"id": 2})
    seed.runs(gone, RunState.DONE)
    (waiting,) = seed.events({"id": 3}, at=NOW + 60_000)
    seed.runs(waiting, RunState.DEAD)

    early = run("prune", "--older-than", "2026-01-01", "--json")
    code, out, err = run("prune", "--older-than", "2027-01-01", "--json")
    left = [json.loads(line)["id"] for line in run("inspect", "--json")[1].splitlines()]

    assert json.loads(early[1]) == {"events": 0, "runs": 0, "rejected": 0}
    assert (code, err) == (0, "")
    assert json.loads(out)["events"] >= 1
    assert waiting in left
    assert gone not in left
    assert kept


def test_the_retention_is_the_configurations(seed, run, folder):
    code, out, _ = run("prune")
    (folder / "hookagent.toml").write_text('[store]\nretention = "forever"\n')
    refused = run("prune")

    assert (code, out) == (0, "removed 0 events, 0 runs, 0 refused deliveries\n")
    assert refused[0] in {2, 3}


def test_sources_are_listed_with_what_verifies_them(seed, run):
    _, out, _ = run("sources", "list", "--json")
    _, text, _ = run("sources", "list")

    found = {line["source"]: line for line in map(json.loads, out.splitlines())}
    assert found["shop"] == {
        "source": "shop", "scheme": "shop", "integrity": "body-signed",
        "url": "http://127.0.0.1:1/hooks/shop",
    }  # fmt: skip
    assert "pay\tstripe\tbody-signed" in text


def test_a_secret_is_printed_only_when_asked(seed, run):
    hidden, shown = run("sources", "secret", "shop"), run("sources", "secret", "shop", "--show")

    assert SECRET not in hidden[1] + hidden[2]
    assert "--show" in hidden[1]
    assert shown[:2] == (0, SECRET + "\n")


def test_a_source_is_armed_for_a_while(seed, run, folder):
    code, out, _ = run("sources", "arm", "shop")

    assert code == 0
    assert "minutes" in out


@pytest.mark.parametrize("words", [("arm",), ("secret",)])
def test_an_unknown_source_names_the_nearest(seed, run, words):
    code, _, err = run("sources", *words, "shopp")

    assert code == 4
    assert "`shop`" in err
