"""Pairs: what began is followed in time, or told once by its key."""

from hookagent.watch.pair import OPEN_MAX, Begun, Open, Pair, due, follow, next_look, start

MINUTE = 60_000
T0 = 1_800_000_000_000
PAID = Pair(name="paid", within_ms=15 * MINUTE)


def test_a_follow_up_in_time_is_no_alert():
    state = follow(PAID, start(Open(), "s1", T0, "e1"), "s1", T0 + MINUTE, "e2")

    assert state.alerts == []
    assert state.state == Open()
    assert next_look(PAID, state.state, 0) is None


def test_what_stays_alone_is_told_once_and_taken_back_when_it_comes_late():
    state = start(Open(), "s1", T0, "e1")
    end = T0 + 15 * MINUTE

    assert due(PAID, state, end - 1, 0).alerts == []
    missing = due(PAID, state, end, 0)
    assert [alert.type for alert in missing.alerts] == ["watch.silence"]
    assert missing.alerts[0].facts["keys"] == ["s1"]
    assert due(PAID, missing.state, end + MINUTE, 0).alerts == []
    late = follow(PAID, missing.state, "s1", end + MINUTE, "e9")
    assert [alert.type for alert in late.alerts] == ["watch.recovered"]


def test_an_outage_of_the_second_half_is_one_message():
    state = Open()
    for number in range(8):
        state = start(state, f"s{number}", T0 + number, f"e{number}")

    found = due(PAID, state, T0 + 16 * MINUTE, 0)

    assert len(found.alerts) == 1
    assert "and 3 more" in found.alerts[0].message


def test_a_sleep_over_the_deadline_gives_the_follow_up_time_to_come():
    state = start(Open(), "s1", T0, "e1")
    woke = T0 + 60 * MINUTE

    assert due(PAID, state, woke, woke).alerts == []
    assert len(due(PAID, state, woke + 10 * MINUTE, woke).alerts) == 1


def test_memory_is_bounded_and_what_was_told_is_forgotten_after_a_day():
    state = Open({f"s{n}": Begun(T0, "e") for n in range(OPEN_MAX)})
    assert len(start(state, "new", T0, "e").begun) == OPEN_MAX
    told = due(PAID, start(Open(), "s1", T0, "e1"), T0 + 15 * MINUTE, 0).state
    assert due(PAID, told, T0 + 25 * 60 * MINUTE, 0).state == Open()


def test_the_earliest_beginning_of_a_key_counts_and_an_earlier_follow_up_does_not():
    state = start(start(Open(), "s1", T0, "e1"), "s1", T0 + MINUTE, "e2")

    assert state.begun["s1"].at == T0
    assert follow(PAID, state, "s1", T0 - 1, "e0").state == state
