"""Keys and state."""

from hookagent.rules import windows
from hookagent.rules.counting import Entries
from hookagent.rules.pacing import Throttled
from hookagent.rules.remembered import key_of, recall, remember
from tests.rules.events import make_event, rule_of


def test_state_that_cannot_be_read_counts_as_none():
    rule = rule_of('window = { count = 2, within = "1m" }')
    event = make_event({})

    (key,) = windows.keys(rule, event)
    for state in (b"", b"\xff", b"\x93\x01\x02\x03", b"\x90"):
        outcome = windows.arrive(rule, event, {key: state}.get)
        assert outcome.firings == []


def test_long_keys_are_hashed():
    rule = rule_of('throttle = { once = "1m", by = "k" }')
    (key,) = windows.keys(rule, make_event({"k": "x" * 1_000}))

    assert key.startswith("throttle:sha256:")
    assert len(key) < 100


def test_a_key_is_the_values_with_their_types():
    rule = rule_of('throttle = { once = "1m", by = ["a.b", "c", "@source"] }')
    assert rule.throttle is not None

    key = key_of(rule.throttle.by, make_event({"a": {"b": "1"}}))
    other = key_of(rule.throttle.by, make_event({"a": {"b": 1}}))

    assert key.text == '["1",null,"github"]'
    assert key.text != other.text
    assert key.facts == {"a": {"b": "1"}, "b": "1", "c": None, "source": "github"}


def test_several_values_are_one_key_together():
    rule = rule_of('throttle = { once = "1m", by = "a.b" }')
    assert rule.throttle is not None

    assert key_of(rule.throttle.by, make_event({"a": [{"b": 1}, {"b": 2}]})).text == "[[1,2]]"


def test_what_is_remembered_is_recalled():
    entries = Entries([1], ["x"], is_cut=True)

    assert recall(Entries, remember(entries)) == entries
    assert recall(Entries, None) is None


def test_what_is_remembered_as_it_is_used_is_recalled_as_it_is():
    entries = Entries([1], [])

    assert recall(Entries, entries) is entries
    assert recall(Throttled, entries) is None, "the rule was a window before"
    assert remember(remember(entries)) == remember(entries)
