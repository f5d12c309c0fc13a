"""Steps: their own keys, what they take over from the rule, and the options left to the action."""

from hookagent.job import OnInterrupt
from tests.rules.events import rules_of


def steps(text):
    return rules_of(f"[rule.r]\n{text}").rules[0].do


def test_a_step_takes_over_what_the_rule_says_and_may_say_otherwise():
    one, two = steps(
        """
        retry = { attempts = 2, max_delay = "1m" }
        timeout = "1m"
        on_interrupt = "hold"
        do = [
            { action = "a" },
            { action = "b", retry = { first_delay = "2s" }, timeout = "500ms", on_interrupt = "retry" },
        ]
        """.replace("do = [\n", "do = [")
        .replace(",\n", ",")
        .replace("\n        ]", "]"),
    )

    assert (one.retry.attempts, one.retry.first_delay_ms, one.retry.max_delay_ms) == (
        2,
        1_000,
        60_000,
    )
    assert (one.timeout_ms, one.retry.on_interrupt) == (60_000, OnInterrupt.HOLD)
    assert (two.retry.attempts, two.retry.first_delay_ms, two.retry.max_delay_ms) == (
        2,
        2_000,
        60_000,
    )
    assert (two.timeout_ms, two.retry.on_interrupt) == (500, OnInterrupt.RETRY)


def test_nothing_said_is_five_tries_of_thirty_seconds():
    (step,) = steps('do = [{ action = "log" }]')

    assert (step.retry.attempts, step.timeout_ms) == (5, 30_000)


def test_all_other_keys_are_options_as_written():
    (step,) = steps(
        'do = [{ action = "http", url = "${URL}", json = { at = 2026-01-31, n = [1] } }]'
    )

    assert step.options == {"url": "${URL}", "json": {"at": "2026-01-31", "n": [1]}}
    assert (step.file, step.line) == ("rules/test.toml", 2)


def test_steps_have_names_of_their_own():
    named = steps('do = [{ action = "log" }, { action = "log" }, { action = "log", name = "x" }]')

    assert [step.name for step in named] == ["log", "log-2", "x"]
