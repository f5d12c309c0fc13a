"""Built-in watches: each speaks when it should and keeps quiet in its near miss."""

import pytest

from hookagent.watch.builtin import Measured, Watches
from hookagent.watch.rate import BUCKET_MS, KEPT, LEAST, Change, Counts, compare
from hookagent.watch.settings import Thresholds
from hookagent.watch.statistics import median, usual_of

T0 = 1_800_000_000_000 // BUCKET_MS * BUCKET_MS
MINUTE = 60_000
HOUR = 60 * MINUTE


class Agent:
    """Watches with a clock in our hands."""

    def __init__(self, **thresholds):
        self.now = T0
        self.watches = Watches(Thresholds(**thresholds), ["shop"], T0)
        self.said = []

    def hear(self, alerts):
        self.said += [(alert.watch and f"{alert.watch} over") or alert.type for alert in alerts]

    def deliver(self, count=1, outcome="accepted", code="", detail=""):
        for _ in range(count):
            self.hear(self.watches.delivered("shop", outcome, code, detail, "rej_1", self.now))

    def ran(self, count=1, state="done", rule="label"):
        for _ in range(count):
            self.hear(self.watches.ran(rule, state, "timed out", "run_1", self.now))

    def pass_time(self, milliseconds, each=lambda: None, step=30_000):
        end = self.now + milliseconds
        while self.now < end:
            self.now += step
            each()
            self.hear(self.watches.tick(self.now))

    def usual_hours(self, per_tick=10, hours=2):
        self.pass_time(hours * HOUR, lambda: self.deliver(per_tick))


@pytest.fixture
def agent():
    return Agent()


# Rates.


@pytest.mark.parametrize(("per_tick", "minutes", "said"), [
    (60, 25, ["watch.spike"]),
    (60, 5, []),  # one burst of five minutes
    (20, 60, []),  # twice the usual
    (0, 25, ["watch.drop"]),
    (0, 5, []),  # a short hole
    (4, 60, []),  # less than half of the usual
])  # fmt: skip
def test_a_rate_is_told_when_it_is_unusual_for_ten_minutes(agent, per_tick, minutes, said):
    agent.usual_hours()
    agent.pass_time(minutes * MINUTE, lambda: agent.deliver(per_tick))

    assert agent.said == said


@pytest.mark.parametrize(("per_tick", "said"), [(9, []), (10, ["watch.spike"])])
def test_the_checks_of_a_push_to_a_quiet_repository_are_no_spike(agent, per_tick, said):
    agent.usual_hours(per_tick=0)  # a tick is half a minute: 90 or 100 events in five minutes
    agent.pass_time(15 * MINUTE, lambda: agent.deliver(per_tick))

    assert agent.said == said


def test_a_drop_is_over_with_the_first_usual_five_minutes(agent):
    agent.usual_hours()
    agent.pass_time(3 * HOUR)
    agent.pass_time(15 * MINUTE, lambda: agent.deliver(10))

    assert agent.said == ["watch.drop", "watch.drop over"]


def test_a_lasting_change_becomes_the_usual_after_six_hours(agent):
    agent.usual_hours()
    agent.pass_time(20 * HOUR, lambda: agent.deliver(100))

    assert agent.said == ["watch.spike", "watch.spike over"]


def test_a_new_source_and_a_quiet_one_are_not_judged(agent):
    agent.pass_time(30 * MINUTE, lambda: agent.deliver(10))
    agent.pass_time(5 * HOUR)
    quiet = Agent()
    quiet.usual_hours(per_tick=1)
    quiet.pass_time(5 * HOUR)

    assert agent.said == quiet.said == []


def test_a_sleep_is_no_drop_and_what_was_sent_again_no_spike(agent):
    agent.usual_hours()
    agent.now += 8 * HOUR
    agent.watches.slept(agent.now)
    agent.pass_time(10 * MINUTE - 30_000, lambda: agent.deliver(200))
    agent.pass_time(HOUR, lambda: agent.deliver(10))

    assert agent.said == []


def test_the_usual_is_learned_over_three_hours_and_not_moved_by_a_few_wild_values():
    assert usual_of([100] * 30 + [10_000] * 6).median == 100
    assert median([1, 2, 3, 4]) == 2.5
    counts = Counts()
    for _ in range(LEAST - 1):
        counts = counts.learn(100)
    assert compare(counts, 5_000, 5.0) is Change.USUAL
    for _ in range(KEPT):
        counts = counts.learn(100)
    assert len(counts.samples) == KEPT
    assert compare(counts, 5_000, 5.0) is Change.SPIKE


# Failures.


def test_five_forgeries_in_a_row_are_told_and_a_genuine_one_ends_it(agent):
    agent.deliver(4, "rejected", "wrong-signature")
    agent.deliver(1)
    agent.deliver(4, "rejected", "wrong-signature")
    agent.deliver(9, "rejected", "bad-body")
    assert agent.said == []
    agent.deliver(2, "rejected", "wrong-signature")
    assert agent.said == ["watch.signatures"]
    agent.deliver(1, "duplicate")
    assert agent.said == ["watch.signatures", "watch.signatures over"]


@pytest.mark.parametrize(("bad", "good", "said"), [
    (12, 2, ["watch.errors"]),
    (9, 0, []),  # too few to say
    (12, 13, []),  # less than half
])  # fmt: skip
def test_refusals_are_told_when_they_are_many_and_most(agent, bad, good, said):
    agent.deliver(bad, "rejected", "bad-body")
    agent.deliver(good)
    agent.pass_time(3 * MINUTE)

    assert agent.said == said


def test_tries_of_a_rule_that_fail_are_told_and_the_end_of_it(agent):
    agent.ran(15, "waiting")
    agent.pass_time(5 * MINUTE)
    assert agent.said == ["watch.errors"]
    agent.pass_time(30 * MINUTE, agent.ran)
    assert agent.said == ["watch.errors", "watch.errors over"]


def test_a_dead_run_is_told_once_a_rule_until_one_is_done(agent):
    agent.ran(3, "waiting")
    assert agent.said == []
    agent.ran(3, "dead")
    agent.ran(1, "dead", rule="other")
    agent.ran(1, "done")

    assert agent.said == ["run.dead", "run.dead", "run.dead over"]


def test_a_dead_run_that_is_heard_after_a_newer_one_was_done_is_over(agent):
    agent.ran(1, "done")
    agent.now -= 1
    agent.ran(1, "dead")
    assert agent.said == []
    agent.now += 2
    agent.ran(1, "dead")

    assert agent.said == ["run.dead"]


def test_a_death_is_told_although_the_clock_was_set_back(agent):
    agent.ran(1, "done")
    agent.now -= HOUR
    agent.ran(1, "dead")

    assert agent.said == ["run.dead"]


# The machine and its surroundings.


def measure(agent, **found):
    agent.hear(agent.watches.measured(Measured(**found), agent.now))


def test_an_old_queue_is_told(agent):
    measure(agent, oldest_unrouted_at=T0 - HOUR)  # left over from before the start
    agent.pass_time(HOUR)
    measure(agent, oldest_unrouted_at=agent.now - MINUTE)
    assert agent.said == []
    measure(agent, oldest_unrouted_at=agent.now - MINUTE - 1)
    assert agent.said == ["watch.queue"]
    measure(agent)
    agent.now += MINUTE
    measure(agent)
    assert agent.said == ["watch.queue", "watch.queue over"]


def test_a_full_disk_is_told(agent):
    measure(agent, disk_free=512 * 1024 * 1024)
    measure(agent, disk_free=None)
    assert agent.said == []
    measure(agent, disk_free=512 * 1024 * 1024 - 1)
    assert agent.said == ["disk.low"]


def test_a_target_that_flaps_is_one_alert_and_its_runs_are_not_told_as_well(agent):
    measure(agent, open_breakers={"api.test": 10})
    agent.ran(50, "waiting")
    agent.pass_time(MINUTE)
    measure(agent)
    agent.pass_time(MINUTE)
    measure(agent, open_breakers={"api.test": 12})
    measure(agent)
    assert agent.said == ["breaker.open"]
    agent.pass_time(2 * MINUTE)
    measure(agent)
    assert agent.said == ["breaker.open", "breaker.open over"]


def tunnel(agent, state, detail=""):
    agent.hear(agent.watches.tunnel("ngrok", state, detail, agent.now))


def test_a_tunnel_that_stays_away_is_told_and_a_reconnect_is_not(agent):
    tunnel(agent, "up")
    tunnel(agent, "reconnecting", "network is down")
    agent.pass_time(MINUTE)
    tunnel(agent, "up")
    agent.pass_time(HOUR)
    assert agent.said == []
    tunnel(agent, "down", "no network")
    agent.pass_time(3 * MINUTE)
    assert agent.said == ["tunnel.down"]
    tunnel(agent, "up")
    assert agent.said == ["tunnel.down", "tunnel.down over"]


def test_a_tunnel_about_to_end_is_told_once(agent):
    tunnel(agent, "expiring", "600 s left")
    tunnel(agent, "expiring", "300 s left")

    assert agent.said == ["tunnel.expiring"]


def signed(agent, ahead, count=1):
    for _ in range(count):
        agent.hear(agent.watches.signed("shop", agent.now + ahead, agent.now))


def test_a_clock_behind_its_senders_is_told_and_late_deliveries_are_not(agent):
    signed(agent, -10 * HOUR, 20)
    signed(agent, 59_000, 20)
    signed(agent, 5 * HOUR, 2)  # one sender's mistake
    signed(agent, 0, 5)
    assert agent.said == []
    signed(agent, 61_000, 5)
    assert agent.said == ["watch.skew"]
    signed(agent, 0, 5)
    assert agent.said == ["watch.skew", "watch.skew over"]


# Time.


def test_an_open_alert_is_said_again_where_that_is_wanted():
    agent = Agent(remind_ms=HOUR)
    for _ in range(5):
        measure(agent, disk_free=0)
        agent.now += 30 * MINUTE

    assert agent.said == ["disk.low"] * 3


def test_a_restart_goes_on_where_it_was(agent):
    agent.usual_hours()
    agent.pass_time(20 * MINUTE)
    measure(agent, disk_free=0)
    again = Agent()
    again.now = agent.now
    again.watches.recall(agent.watches.memory())
    measure(again, disk_free=0)
    again.watches.slept(again.now)
    again.pass_time(HOUR, lambda: again.deliver(10))

    assert agent.said == ["watch.drop", "disk.low"]
    assert again.said == ["watch.drop over"]
