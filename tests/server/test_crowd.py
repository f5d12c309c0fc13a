"""Pure: who has to go."""

from types import SimpleNamespace

from hookagent.server.crowd import BODY_GRACE_S, Reading, longest_waiting, slowest_body


class Limit:
    def __init__(self):
        self.at = None

    def reschedule(self, at):
        self.at = at


def held(*, busy=False, deadline=0.0, reading=None):
    return SimpleNamespace(is_busy=busy, deadline=deadline, reading=reading)


def body(since, size):
    reading = Reading(since, Limit())  # type: ignore[arg-type] # stands for a time limit
    reading.size = size
    return held(busy=True, reading=reading)


def test_the_longest_wait_goes_and_work_is_left_alone():
    first, second = held(deadline=5.0), held(deadline=6.0)

    assert longest_waiting([second, first, held(busy=True, deadline=1.0)]) is first
    assert longest_waiting([held(busy=True)]) is None
    assert longest_waiting([]) is None


def test_the_slowest_body_goes_unless_all_have_just_begun():
    slow, fast = body(0.0, 10), body(0.0, 100_000)

    assert slowest_body([fast, slow, held()], 10.0) is slow.reading
    assert slowest_body([body(10.0, 0)], 10.0 + BODY_GRACE_S / 2) is None


def test_a_body_that_was_given_up_is_not_chosen_again():
    slow = body(0.0, 10)
    slow.reading.give_up(3.0)

    assert slow.reading.limit.at == 3.0
    assert slowest_body([slow], 10.0) is None
