"""Counting an event in by the short way keeps what the long way keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.rules import counting, windows
from hookagent.rules.hits import KNOWN_LENGTH_MAX, KNOWN_MAX, Hit, hit_of, namer
from hookagent.rules.remembered import State, key_text, remember
from hookagent.rules.scope import read_reference
from tests.rules.events import NOON, make_event, rule_of
from tests.rules.play import MINUTE

SPECS = [
    'window = { count = 4, within = "9m", by = "k" }',
    'window = { count = 3, within = "9m" }\nthrottle = { once = "9m" }',
    'window = { sum = "v", gte = 4, within = "9m", by = "k" }',
    'throttle = { once = "9m", by = "k" }',
    'debounce = { quiet = "3m", at-most = "7m", by = "k" }',
    'debounce = { quiet = "3m" }\nthrottle = { once = "9m", by = ["k", "v"] }',
    'absence = { after = "4m", by = "k", recovery = true }',
    'absence = { at = "06:00", by = "k" }',
    'sequence = { within = "5m", by = "k", then = { when = { v = 1 } } }',
    'sequence = { within = "5m", by = "k", without = { when = { v = 1 } } }',
]
TAKEN = st.sampled_from(["short", "long", "taken back", "from the store"])


@pytest.mark.parametrize("spec", SPECS)
@given(
    coming=st.lists(
        st.tuples(st.integers(-1, 6), st.integers(0, 1), st.integers(0, 2), TAKEN), max_size=20
    )
)
def test_the_short_way_keeps_what_the_long_way_keeps(spec, coming):
    rule = rule_of(spec)
    hit = hit_of(rule)
    states: dict[str, State] = {}
    at = NOON
    for number, (gap, key, value, taken) in enumerate(coming):
        at += gap * MINUTE
        event = make_event({"k": key, "v": value}, at=at, id=f"e{number}")
        outcome = windows.arrive(rule, event, states.get)
        kept, name = None, ""
        if hit is not None:
            name = hit.name(event)
            kept = hit.step(states.get(name), event)
        if kept is not None:
            assert outcome.firings == []
            (write,) = outcome.writes
            assert (write.key, write.due_at) == (name, kept[1])
            assert write.value is not None
            assert remember(write.value) == remember(kept[0])
        if taken == "taken back":
            continue
        for write in outcome.writes:
            states.pop(write.key, None)
            if write.value is not None:
                states[write.key] = write.value
        if kept is not None and taken == "short":
            states[name] = kept[0]
        if taken == "from the store":
            states = {name: remember(state) for name, state in states.items()}


def counted_in(hit: Hit | None, state: State | None, at: int) -> counting.Counted:
    assert hit is not None
    kept = hit.step(state, make_event(at=at))
    assert kept is not None
    assert isinstance(kept[0], counting.Counted)
    return kept[0]


def test_what_a_rule_says_that_is_rare_is_asked_every_time():
    assert hit_of(rule_of("")) is None
    assert hit_of(rule_of('window = { max = "v", gte = 4, within = "9m" }')) is None


def test_a_long_window_costs_no_copy_of_it_for_each_event():
    hit = hit_of(rule_of('window = { count = 10000, within = "1h" }'))
    state = None
    for number in range(500):
        state = counted_in(hit, state, NOON + number)
    assert state is not None
    times = state.times
    for number in range(500, 600):
        state = counted_in(hit, state, NOON + number)
        assert state.times is times


def test_what_is_over_is_let_go():
    hit = hit_of(rule_of('window = { count = 10, within = "10s" }'))
    state = None
    for number in range(5_000):
        state = counted_in(hit, state, NOON + number * 2_000)
    assert state is not None
    assert len(state.times) < 200
    again = counting.Counted.of(remember(state))
    assert again is not None
    assert again.times == state.times[state.start :]


def test_the_texts_of_keys_are_those_of_the_long_way():
    by = (read_reference("k"),)
    name = namer("key:", by)
    for value in ("a", "a", 1, None, 'quo"te', "x" * KNOWN_LENGTH_MAX, "y" * 1_000, ["a"]):
        event = make_event({"k": value})
        assert name(event) == "key:" + key_text(by, event)
    for number in range(2 * KNOWN_MAX):
        assert name(make_event({"k": f"{number}"})) == f'key:["{number}"]'
