"""From stretches to what is shown: totals, quantiles, causes, bars. Pure."""

import json

import pytest

from hookagent.pipeline.statistics.figures import Figures, encode
from hookagent.pipeline.statistics.report import document, report
from hookagent.store.base import Stretch

MINUTE = 60_000
T0 = 1_767_225_600_000


def stretch(at, source="shop", *, accepted=0, rejected=0, dead=0, span=MINUTE, ms=3):
    figures = Figures()
    key = ("source", source)
    for word, number in (("accepted", accepted), ("rejected", rejected), ("dead", dead)):
        if number:
            figures.count(key, word, number)
            figures.time(key, "answer", ms, number)
    if rejected:
        figures.cause(key, "wrong-signature", rejected)
    if accepted:
        figures.count(("type", f"{source}/paid"), "accepted", accepted)
        figures.count(("rule", "pay"), "begun", accepted)
    return Stretch(at=at, span=span, node="n", data=encode(figures))


def test_totals_latencies_and_causes_are_by_subject():
    found = report(
        [
            stretch(T0, accepted=98, ms=4),
            stretch(T0 + MINUTE, rejected=2, ms=900),
            stretch(T0, "pay", accepted=5),
        ],
        since=T0,
        until=T0 + 2 * MINUTE,
        bars=60,
    )

    shop, pay = found.sources
    assert shop.counts == {"accepted": 98, "rejected": 2}
    assert (shop.times["answer"].p50, shop.times["answer"].p95) == (4, 4)
    assert 840 < (shop.times["answer"].p99 or 0) < 960
    assert shop.causes == {"wrong-signature": 2}
    assert pay.name == "pay"
    assert found.total.counts == {"accepted": 103, "rejected": 2}
    assert [row.name for row in found.types] == ["shop/paid", "pay/paid"]
    assert found.rules[0].counts == {"begun": 103}


def test_bars_are_by_time_and_add_up():
    found = report(
        [stretch(T0 + n * MINUTE, accepted=n + 1) for n in range(10)],
        since=T0,
        until=T0 + 10 * MINUTE,
        bars=5,
    )
    assert found.step_ms == 2 * MINUTE
    assert found.total.bars == {"accepted": [3, 7, 11, 15, 19]}
    assert found.bars_from == T0


def test_no_bar_pretends_to_know_more_than_is_kept():
    hour = 60 * MINUTE
    found = report(
        [stretch(T0, accepted=6, span=hour), stretch(T0 + hour, accepted=1)],
        since=T0,
        until=T0 + 2 * hour,
        bars=120,
    )
    assert found.step_ms == hour
    assert found.total.bars == {"accepted": [6, 1]}


@pytest.mark.parametrize("bars", [1, 7, 40, 500])
@pytest.mark.parametrize("length", [1, MINUTE, 7 * 86_400_000, 3_000 * 86_400_000])
def test_there_are_never_many_more_bars_than_asked_for(bars, length):
    found = report([stretch(T0 + 5, accepted=1)], since=T0 + 5, until=T0 + 5 + length, bars=bars)
    (numbers,) = found.total.bars.values()
    assert len(numbers) <= bars + 1
    assert sum(numbers) == 1


def test_one_source_can_be_looked_at_alone():
    found = report(
        [stretch(T0, accepted=3), stretch(T0, "pay", accepted=5)],
        since=T0,
        until=T0 + MINUTE,
        bars=10,
        source="pay",
    )
    assert [row.name for row in found.sources + found.types] == ["pay", "pay/paid"]
    assert found.total.counts == {"accepted": 5}


def test_of_nothing_there_is_an_empty_report():
    found = report([], since=T0, until=T0 + MINUTE, bars=10)
    assert found.sources == []
    assert found.total.counts == {}
    assert json.loads(json.dumps(document(found)))["total"]["bars"] == {}
