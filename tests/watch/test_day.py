"""A simulated day: exactly the alerts a person would want, as docs/watching.md shows them."""

import random
from datetime import UTC, datetime
from math import cos, pi
from pathlib import Path

from hookagent.watch.builtin import Measured, Watches
from hookagent.watch.expectation import Expectation, Waiting, due, step
from hookagent.watch.schedule import Schedule
from hookagent.watch.settings import Thresholds

TICK = 30_000
MINUTE = 60_000
HOUR = 60 * MINUTE
MIDNIGHT = round(datetime(2026, 5, 5, tzinfo=UTC).timestamp() * 1000)
PAGE = Path(__file__).parents[2] / "docs" / "watching.md"


def clock(hour, minute=0):
    return MIDNIGHT + hour * HOUR + minute * MINUTE


class Day:
    """One day of a shop, a nightly backup and a target, minute by minute."""

    def __init__(self):
        self.random = random.Random(8)
        self.said = []
        self.now = MIDNIGHT - 3 * HOUR
        self.awake_since = self.now
        self.watches = Watches(Thresholds(), ["shop"], self.now)
        schedule = Schedule(cron="0 3,21 * * *")
        self.backup = Expectation(name="backup", schedule=schedule, grace_ms=30 * MINUTE)
        self.waiting = Waiting(since=clock(-3, 2), event_id="evt_0")

    def tell(self, alerts):
        self.said += alerts

    def rate(self):
        """Events of five minutes: few at night, many at noon."""
        usual = 200 * (1 - 0.7 * cos(2 * pi * (self.now - MIDNIGHT) / (24 * HOUR)))
        if clock(9, 30) <= self.now < clock(10, 20):
            return 0  # the shop is down
        if clock(12) <= self.now < clock(12, 25):
            return usual * 6  # a deploy updates every order
        if clock(14) <= self.now < clock(14, 4):
            return usual * 6  # a short burst
        if clock(19, 30) <= self.now < clock(19, 36):
            return usual * 8  # what was missed is sent again
        return usual

    def tick(self):
        mean = self.rate() / 10
        for _ in range(max(round(self.random.gauss(mean, mean**0.5)), 0)):
            self.tell(self.watches.delivered("shop", "accepted", "ok", "", "", self.now))
            is_down = clock(15) <= self.now < clock(15, 45)
            state = "waiting" if is_down else "done"
            self.tell(self.watches.ran("order", state, "no answer", "run_1", self.now))
        is_down = clock(15, 0) < self.now < clock(15, 47)
        found = Measured(disk_free=10**12, open_breakers={"api.test": 10} if is_down else {})
        self.tell(self.watches.measured(found, self.now))
        if self.now in {clock(3, 4), clock(22, 40)}:
            outcome = step(self.backup, self.waiting, self.now, "evt_1", self.awake_since)
            self.waiting = outcome.state
            self.tell(outcome.alerts)
        outcome = due(self.backup, self.waiting, self.now, self.awake_since)
        self.waiting = outcome.state
        self.tell(outcome.alerts)
        self.tell(self.watches.tick(self.now))

    def live(self):
        while self.now < clock(24):
            self.now += TICK
            if self.now == clock(18):  # the laptop is closed for ninety minutes
                self.now = clock(19, 30)
                self.awake_since = self.now
                self.watches.slept(self.now)
            self.tick()


def rows(alerts):
    for alert in alerts:
        moment = datetime.fromtimestamp(alert.at / 1000, UTC)
        kind = f"`{alert.type}`" + (f" of `{alert.watch}`" if alert.watch else "")
        yield f"| {moment:%H:%M} | {kind} | {alert.message} |"


def test_the_day_gives_the_alerts_of_the_page_and_no_other():
    day = Day()
    day.live()

    page = PAGE.read_text("utf-8")
    table = page.partition("| at | alert | what it says |")[2].partition("\n\n")[0]
    shown = [line for line in table.splitlines() if line.startswith("| ") and "---" not in line]
    assert list(rows(day.said)) == shown
