"""What is appended is counted, by every subject it belongs to. Pure."""

import time

import pytest

from hookagent.pipeline.statistics import collector as module
from hookagent.pipeline.statistics.collector import Collector
from hookagent.redact import Redactor
from tests.patience import least


@pytest.fixture
def counts():
    return Collector(Redactor({"hunter2-hunter2"}).text)


def test_a_delivery_counts_for_its_source_and_its_type(counts):
    counts.delivered(("shop", "order.paid", "accepted", "", 3))
    counts.delivered(("shop", "order.paid", "duplicate", "", 4))
    counts.delivered(("shop", "", "rejected", "wrong-signature", 1))

    found = counts.take().subjects

    assert found["source"]["shop"].counts == {"accepted": 1, "duplicate": 1, "rejected": 1}
    assert found["source"]["shop"].causes == {"wrong-signature": 1}
    assert found["source"]["shop"].times == {"answer": {3: 1, 4: 1, 1: 1}}
    assert found["type"]["shop/order.paid"].counts == {"accepted": 1, "duplicate": 1}


def test_a_run_counts_for_its_rule_its_source_and_its_type(counts):
    counts.ended(("pay", "shop", "order.paid", "begun", "", 0))
    counts.ended(("pay", "shop", "order.paid", "waiting", "HTTP 503", 0))
    counts.ended(("pay", "shop", "order.paid", "dead", "HTTP 503", 12))

    found = counts.take().subjects

    for kind, name in (("rule", "pay"), ("source", "shop"), ("type", "shop/order.paid")):
        one = found[kind][name]
        assert one.counts == {"begun": 1, "waiting": 1, "dead": 1}
        assert one.causes == {"HTTP 503": 2}
        assert one.times == {"run": {12: 1}}


def test_a_try_counts_for_its_action(counts):
    counts.tried(("http", "again", "HTTP 503", 20))
    counts.tried(("http", "done", "", 5))

    found = counts.take().subjects["action"]["http"]

    assert found.counts == {"again": 1, "done": 1}
    assert found.causes == {"HTTP 503": 1}
    assert sum(found.times["try"].values()) == 2


def test_what_was_taken_is_not_counted_again(counts):
    counts.delivered(("shop", "", "accepted", "", 3))
    assert counts.take()
    assert not counts.take()


def test_a_secret_in_an_error_is_not_kept(counts):
    counts.tried(("http", "never", "refused hunter2-hunter2", 1))
    assert counts.take().subjects["action"]["http"].causes == {"refused ***": 1}


def test_what_waits_to_be_added_up_is_bounded(counts, monkeypatch):
    monkeypatch.setattr(module, "PENDING_MAX", 10)
    for number in range(25):
        counts.delivered(("shop", str(number), "accepted", "", 3))
    assert len(counts._deliveries) < 10
    assert counts.take().subjects["source"]["shop"].counts == {"accepted": 25}


@pytest.mark.alone
def test_a_delivery_costs_less_than_a_microsecond(counts):
    number = 50_000
    deliveries = [("shop", f"type.{n % 20}", "accepted", "", n % 7) for n in range(number)]

    def cost():
        begin = time.process_time()
        for source, kind, outcome, code, ms in deliveries:
            counts.delivered((source, kind, outcome, code, ms))
        counts.take()
        return (time.process_time() - begin) / number * 1e6

    assert least(cost, 1.0, tries=50) < 1.0
