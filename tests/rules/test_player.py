"""The player runs timers between events, at the moment they are due."""

from hookagent.rules.player import Player
from tests.rules.events import NOON, make_event, rules_of

TEXT = """
[rule.quiet]
debounce = { quiet = "1m" }
do = [{ action = "log" }]
[rule.shipped]
on = "shop/paid"
sequence = { within = "1h", then = { on = "shop/shipped" } }
do = [{ action = "log" }]
"""


def names(fired):
    return [(rule.name, firing.event_id, firing.at - NOON) for rule, firing in fired]


def test_timers_run_before_the_next_event_and_at_the_end():
    player = Player(rules_of(TEXT))

    assert names(player.event(make_event(1, id="a"))) == []
    assert names(player.event(make_event(1, id="b", at=NOON + 90_000))) == [("quiet", "a", 60_000)]
    assert names(player.until(NOON + 140_000)) == []
    assert names(player.finish()) == [("quiet", "b", 150_000)]
    assert player.finish() == []


def test_the_second_half_of_a_sequence_is_played():
    player = Player(rules_of(TEXT))

    player.event(make_event(1, id="a", source="shop", type="paid"))
    fired = player.event(make_event(1, id="b", source="shop", type="shipped", at=NOON + 1_000))

    assert names(fired) == [("shipped", "b", 1_000)]


def test_another_matcher_can_be_given():
    rules = rules_of("[rule.r]\ndo = [{ action = 'log' }]")

    assert Player(rules, lambda _event: []).event(make_event(1)) == []


def test_a_timer_that_is_put_off_again_and_again_is_one_timer():
    player = Player(rules_of(TEXT))

    for second in range(50):
        player.event(make_event(1, id=f"e{second}", at=NOON + second * 1_000))

    assert len(player._timers._heap) == 1
    assert names(player.finish()) == [("quiet", "e49", 49_000 + 60_000)]
