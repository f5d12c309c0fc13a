"""`hookagent stats`, `prune` and `sources`: counts, retention, and where secrets are."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from hookagent.cli import output
from hookagent.job import RunState
from hookagent.pipeline.statistics.figures import Figures, encode
from hookagent.store.base import Stretch
from hookagent.store.registry import open_store
from tests.cli.workbench import NOW

HOUR = 3_600_000
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


@pytest.fixture
def history(seed):
    """Keep an hour of statistics in the seeded store."""
    figures = Figures()
    for word, number in (("accepted", 90), ("rejected", 10)):
        figures.count(("source", "shop"), word, number)
        figures.time(("source", "shop"), "answer", 4, number)
    figures.cause(("source", "shop"), "wrong-signature", 10)
    figures.count(("type", "shop/order.\x1b[2Jpaid"), "accepted", 90)
    for word, number in (("begun", 90), ("done", 80), ("dead", 10), ("waiting", 3)):
        figures.count(("rule", "pay"), word, number)
    figures.time(("rule", "pay"), "run", 1_500, 90)
    figures.count(("action", "http"), "done", 80)
    figures.count(("action", "http"), "never", 13)
    figures.cause(("action", "http"), "HTTP 503", 13)
    rows = [
        Stretch(at=NOW // HOUR * HOUR - back, span=60_000, node="n", data=encode(figures))
        for back in (HOUR, 2 * HOUR, 50 * HOUR)
    ]

    async def keep():
        store = open_store(seed.config.store.url, seed.config.state_folder)
        await store.open()
        await store.add_stretches(rows)
        await store.close()

    asyncio.run(keep())


def stretch_of(run, *more):
    since = datetime.fromtimestamp((NOW - 3 * HOUR) / 1000, UTC).isoformat()
    until = datetime.fromtimestamp(NOW / 1000, UTC).isoformat()
    return run("stats", "--since", since, "--until", until, *more)


def test_rates_latencies_and_causes_are_of_the_stretch_that_was_asked_for(history, run):
    _, out, _ = stretch_of(run, "--json")

    found = json.loads(out)["history"]
    (shop,) = found["sources"]
    assert shop["counts"] == {"accepted": 180, "rejected": 20}
    assert shop["times"]["answer"] == {"count": 200, "p50": 4, "p95": 4, "p99": 4}
    assert shop["causes"] == {"wrong-signature": 20}
    assert found["rules"][0]["counts"]["dead"] == 20
    assert found["actions"][0]["causes"] == {"HTTP 503": 26}
    assert sum(found["total"]["bars"]["accepted"]) == 180
    assert (found["until"] - found["since"]) == 3 * HOUR


def test_a_pipe_gets_plots_and_rows_that_say_what_they_are(history, run):
    code, out, err = stretch_of(run)

    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines() if "\t" in line}
    assert (code, err) == (0, "")
    assert rows["shop"][-3:] == ["4 ms", "4 ms", "4 ms"]
    assert rows["rule pay"][:4] == ["180", "160", "6", "20"]
    assert rows["action http"][:3] == ["186", "160", "26"]
    assert "failed\t26\taction http\tHTTP 503" in out
    (plot,) = [line for line in out.splitlines() if line.startswith("events")]
    assert plot.count("█") == 2
    assert "180  1/min" in plot
    assert "\x1b" not in out


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_a_terminal_of_any_width_is_filled_and_not_overrun(history, run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(output, "is_terminal", lambda stream=None: stream is None)

    _, out, _ = stretch_of(run)

    plots = [line for line in out.splitlines() if line.startswith(("events", "refused"))]
    assert len(plots) == 2
    assert max(map(len, plots)) <= columns
    assert "26 x action http  HTTP 503" in out
    assert "\x1b" not in out


def test_one_source_can_be_looked_at_alone(history, run):
    _, out, _ = stretch_of(run, "--source", "pay", "--json")
    found = json.loads(out)
    assert [one["source"] for one in found["sources"]] == ["pay"]
    assert found["history"]["sources"] == []
    assert run("stats", "--source", "shopp")[0] == 4


def test_the_end_must_be_after_the_beginning(seed, run):
    code, _, err = run("stats", "--since", "1h", "--until", "2h")
    assert code == 2
    assert "--until" in err


def test_watching_looks_again_and_follows_time(history, run, monkeypatch):
    looks = []

    async def interrupted(_seconds):
        looks.append(_seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("hookagent.cli.stats.asyncio.sleep", interrupted)
    code, out, _ = run("stats", "--since", "1h", "--json", "--watch")

    found = [json.loads(line) for line in out.splitlines()]
    assert code == 130
    assert len(found) == 3
    assert found[-1]["since"] >= found[0]["since"]
