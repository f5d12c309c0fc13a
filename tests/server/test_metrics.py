"""Numbers move with what happens, and strangers cannot make new series."""

from typing import Any

from prometheus_client import generate_latest

from hookagent.config.load import load
from hookagent.pipeline.feed import Delivered, Matched, Ran, Tried, Tunnel
from hookagent.server.metrics import LABELS_MAX, Metrics
from hookagent.store.base import SourceStats, StoreStats, StoreUnavailable
from tests.whole.served import write_project


class Store:
    """Counts as they are told."""

    def __init__(self, found=None) -> None:
        self.found = found

    async def stats(self, *, since):
        if self.found is None:
            raise StoreUnavailable("the store is locked")
        return self.found


def metrics(tmp_path, store: Any = None):
    write_project(tmp_path)
    config = load(tmp_path / "hookagent.toml", environ={}, cwd=tmp_path)
    found: Any = store or Store()
    return Metrics(config, found, lambda: 60_000)


def text(found):
    return generate_latest(found.registry).decode()


def ran(state, *tried, run="run_1"):
    return Ran(
        at=1, id="evt_1", run=run, rule="r", state=state, ms=1_500, source="shop",
        tried=[Tried("http", outcome, 40) for outcome in tried],
    )  # fmt: skip


def test_deliveries_are_counted_by_source_and_outcome(tmp_path):
    found = metrics(tmp_path)
    for outcome, code in (("accepted", "ok"), ("duplicate", "ok"), ("rejected", "wrong-signature")):
        found.count(Delivered(at=1, outcome=outcome, status=200, source="shop", code=code, ms=2.0))

    said = text(found)

    assert 'hookagent_events_received_total{source="shop",verdict="accepted"} 1.0' in said
    assert 'hookagent_duplicates_total{source="shop"} 1.0' in said
    assert 'hookagent_events_rejected_total{reason="wrong-signature",source="shop"} 1.0' in said
    assert 'hookagent_accept_seconds_count{source="shop"} 3.0' in said


def test_a_try_is_counted_once_however_often_its_run_is_told_of(tmp_path):
    found = metrics(tmp_path)
    found.count(Matched(at=1, id="evt_1", rules=["r"], runs=["run_1"]))
    found.count(ran("waiting", "again"))
    found.count(ran("waiting", "again", "again"))
    found.count(ran("dead", "again", "again", "never"))

    said = text(found)

    assert 'hookagent_action_attempts_total{action="http",outcome="again"} 2.0' in said
    assert 'hookagent_action_attempts_total{action="http",outcome="never"} 1.0' in said
    assert 'hookagent_action_duration_seconds_count{action="http"} 3.0' in said
    assert "hookagent_dead_letters_total 1.0" in said
    assert 'hookagent_event_processing_seconds_count{source="shop"} 1.0' in said

    found.count(ran("done", "again", "again", "never", "done"))  # a person had it tried again

    said = text(found)
    assert 'hookagent_action_attempts_total{action="http",outcome="done"} 1.0' in said
    assert 'hookagent_action_duration_seconds_count{action="http"} 4.0' in said


def test_labels_are_names_of_the_configuration_and_bounded(tmp_path):
    found = metrics(tmp_path)
    for number in range(LABELS_MAX + 50):
        found.count(Delivered(at=1, outcome="rejected", status=404, source=f"x{number}", code="c"))
        found.count(Matched(at=1, id="e", rules=[f"rule-{number}"], runs=[]))

    said = text(found)

    assert said.count("hookagent_events_received_total{") == 1
    assert said.count("hookagent_rule_matches_total{") == LABELS_MAX + 1
    assert 'hookagent_rule_matches_total{rule="other"} 50.0' in said


def test_the_tunnel_is_up_or_not(tmp_path):
    found = metrics(tmp_path)
    for state in ("up", "reconnecting"):
        found.count(Tunnel(at=1, state=state))

    assert 'hookagent_tunnel_up{provider="none"} 0.0' in text(found)
    assert "hookagent_tunnel_reconnects_total 1.0" in text(found)


async def test_gauges_come_from_the_store_when_they_are_read(tmp_path):
    shop = SourceStats(source="shop", events=1, duplicates=0, rejected=0, last_received_at=50_000)
    stats = StoreStats(
        events=7,
        runs={"waiting": 2},
        unrouted=3,
        oldest_unrouted_at=20_000,
        size_bytes=4_096,
        used_bytes=4_096,
        sources=[shop],
    )
    found = metrics(tmp_path, Store(stats))

    await found.collected()

    said = text(found)
    assert 'hookagent_last_event_timestamp_seconds{source="shop"} 50.0' in said
    assert "hookagent_retry_queue_size 2.0" in said
    assert "hookagent_oldest_pending_seconds 40.0" in said
    assert "hookagent_events_stored 7.0" in said


def test_how_far_senders_are_ahead_is_the_median_of_the_latest(tmp_path):
    found = metrics(tmp_path)
    for skew in (-500, 90_000, 100_000, 95_000, None, 92_000):
        found.count(Delivered(at=1, outcome="accepted", status=200, source="shop", skew=skew))
    replayed = Delivered(
        at=1, outcome="accepted", status=200, source="shop", origin="replay", skew=-(9**9)
    )
    found.count(replayed)

    assert 'hookagent_signature_clock_skew_seconds{source="shop"} 92.0' in text(found)


async def test_what_has_not_come_is_overdue_whichever_node_watches(tmp_path, store):
    more = """
[[expect]]
name = "nightly"
match = "shop/*"
every = "1h"
[[expect]]
name = "paid"
after = "shop/a"
expect = "shop/b"
within = "5m"
"""
    write_project(tmp_path, more=more)
    config = load(tmp_path / "hookagent.toml", environ={}, cwd=tmp_path)
    found = Metrics(config, store, lambda: 60_000)
    await found.collected()
    before = text(found)
    await store.keep("watch:expect:nightly", b'{"since": 1, "alerted_at": 5}')
    await store.keep(
        "watch:pair:paid",
        b'{"state": {"begun": {"a": [1, "evt_1", 5], "b": [2, "evt_2", 5], "c": [3, "evt_3"]}},'
        b' "seen_at": 3}',
    )
    await found.collected()

    assert 'hookagent_expectation_overdue{name="nightly"} 0.0' in before
    assert 'hookagent_expectation_overdue{name="nightly"} 1.0' in text(found)
    assert 'hookagent_expectation_overdue{name="paid"} 2.0' in text(found)


async def test_a_store_that_does_not_answer_leaves_the_counts(tmp_path):
    found = metrics(tmp_path)

    assert await found.collected() is found.registry
