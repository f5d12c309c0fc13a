"""Expectations: one alert for an outage, one recovery, by the event's clock, honest about sleep."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hookagent.watch.expectation import Expectation, Waiting, begin, due, next_look, step
from hookagent.watch.schedule import Schedule

HOUR = 3_600_000
MINUTE = 60_000
DAILY = Expectation(name="backup", schedule=Schedule(every_ms=24 * HOUR), grace_ms=30 * MINUTE)
T0 = 1_800_000_000_000


def at(text: str, zone: str = "Europe/Berlin") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def test_silence_is_one_alert_and_the_next_event_one_recovery():
    state = step(DAILY, Waiting(), T0, "evt_1").state
    end = T0 + 24 * HOUR + 30 * MINUTE

    assert due(DAILY, state, end - 1, 0).alerts == []
    missing = due(DAILY, state, end, 0)
    assert [alert.type for alert in missing.alerts] == ["watch.silence"]
    assert due(DAILY, missing.state, end + 90 * HOUR, 0).alerts == []
    back = step(DAILY, missing.state, end + 3 * HOUR, "evt_2")
    assert [(alert.type, alert.watch) for alert in back.alerts] == [
        ("watch.recovered", "watch.silence")
    ]
    assert back.alerts[0].since == missing.alerts[0].since
    assert "1 d 3 h" in back.alerts[0].message


def test_nothing_is_expected_before_the_first_event_unless_it_starts_now():
    assert due(DAILY, Waiting(), T0 + 99 * HOUR, 0).alerts == []
    eager = Expectation(name="a", schedule=Schedule(every_ms=HOUR), starts_now=True)
    state = begin(eager, Waiting(), T0)

    assert due(eager, state, T0 + HOUR - 1, 0).alerts == []
    assert len(due(eager, state, T0 + HOUR, 0).alerts) == 1


def test_an_event_right_after_the_deadline_tells_both_whoever_looked_first():
    state = step(DAILY, Waiting(), T0, "evt_1").state
    late = step(DAILY, state, T0 + 26 * HOUR, "evt_2")

    assert [alert.type for alert in late.alerts] == ["watch.silence", "watch.recovered"]


def test_an_older_event_changes_nothing():
    state = step(DAILY, Waiting(), T0, "evt_2").state

    assert step(DAILY, state, T0 - HOUR, "evt_1").state == state


def test_reminders_come_at_their_time_and_a_long_nap_gives_only_one():
    spec = Expectation(name="a", schedule=Schedule(every_ms=HOUR), remind_ms=6 * HOUR)
    first = due(spec, step(spec, Waiting(), T0, "e").state, T0 + HOUR, 0)

    assert due(spec, first.state, T0 + 7 * HOUR - 1, 0).alerts == []
    one = due(spec, first.state, T0 + 7 * HOUR, 0)
    assert [alert.reminder for alert in one.alerts] == [1]
    three = due(spec, one.state, T0 + 20 * HOUR, 0)
    assert [alert.reminder for alert in three.alerts] == [3]


def test_after_a_sleep_what_was_missed_gets_time_to_come():
    state = step(DAILY, Waiting(), T0, "evt_1").state
    woke = T0 + 30 * HOUR

    assert due(DAILY, state, woke, woke).alerts == []
    assert due(DAILY, state, woke + 30 * MINUTE - 1, woke).alerts == []
    assert len(due(DAILY, state, woke + 30 * MINUTE, woke).alerts) == 1
    assert step(DAILY, state, woke + 20 * MINUTE, "evt_2", woke).alerts == []


NIGHTLY = Expectation(
    name="n", schedule=Schedule(cron="30 2 * * *", tz="Europe/Berlin"), grace_ms=30 * MINUTE
)


def test_cron_means_local_time_across_both_changes_of_the_clocks():
    spring = step(NIGHTLY, Waiting(), at("2026-03-28T02:31"), "e").state
    assert next_look(NIGHTLY, spring, 0) == at("2026-03-29T03:30")  # 02:30 does not exist
    after = step(NIGHTLY, Waiting(), at("2026-03-29T03:05"), "e").state
    assert next_look(NIGHTLY, after, 0) == at("2026-03-30T03:00")
    autumn = step(NIGHTLY, Waiting(), at("2026-10-24T02:31"), "e").state
    look = next_look(NIGHTLY, autumn, 0)
    assert look is not None
    assert datetime.fromtimestamp(look / 1000, UTC).isoformat() == "2026-10-25T01:00:00+00:00"
    done = step(NIGHTLY, Waiting(), at("2026-10-25T02:35"), "e").state
    assert next_look(NIGHTLY, done, 0) == at("2026-10-26T03:00")


def test_an_event_a_little_early_has_met_the_time_and_one_at_noon_has_not():
    early = step(NIGHTLY, Waiting(), at("2026-05-04T02:20"), "e").state
    noon = step(NIGHTLY, Waiting(), at("2026-05-04T12:00"), "e").state

    assert next_look(NIGHTLY, early, 0) == at("2026-05-05T03:00")
    assert next_look(NIGHTLY, noon, 0) == at("2026-05-05T03:00")


SPEC = Expectation(name="p", schedule=Schedule(every_ms=1_000), grace_ms=200)
gaps = st.lists(st.integers(1, 3_000), min_size=1, max_size=30)


@given(gaps, st.lists(st.integers(0, 60_000), max_size=30))
def test_alerts_and_recoveries_alternate_and_do_not_depend_on_when_one_looks(waits, looks):
    arrivals = [T0 + sum(waits[: index + 1]) for index in range(len(waits))]
    moments = sorted([(when, 1) for when in arrivals] + [(T0 + look, 0) for look in looks])

    def told(moments):
        state, said = Waiting(), []
        for when, is_event in moments:
            outcome = due(SPEC, state, when, 0)
            if is_event:
                said += outcome.alerts
                outcome = step(SPEC, outcome.state, when, f"e{when}")
            state = outcome.state
            said += outcome.alerts
        return [(alert.type, alert.since) for alert in said], state

    watched, state = told(moments)
    unwatched, _ = told([moment for moment in moments if moment[1]])
    kinds = [kind for kind, _ in watched]
    assert kinds == (["watch.silence", "watch.recovered"] * len(kinds))[: len(kinds)]
    assert watched[: len(unwatched)] == unwatched
    long_gaps = sum(gap >= 1_200 for gap in waits[1:])
    assert kinds.count("watch.recovered") == long_gaps
    assert bool(state.alerted_at) == (kinds[-1:] == ["watch.silence"])
