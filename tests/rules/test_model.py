"""Rules as values."""

from hypothesis import given

from hookagent.job import OnInterrupt, RetryPolicy
from hookagent.rules.model import Flag, Pattern, RuleSet, StepSpec, atom, plain, version_of
from tests.rules.events import rule_of
from tests.rules.generated import payloads

STEP = StepSpec(
    name="n",
    action="http",
    options={"url": "${URL}", "json": {"a": [1, True]}},
    retry=RetryPolicy(attempts=3, on_interrupt=OnInterrupt.HOLD),
    timeout_ms=1_000,
    file="f.toml",
    line=7,
)


def test_a_run_can_keep_the_steps_it_fired_with():
    kept = STEP.to_json()

    assert "file" not in kept
    back = StepSpec.from_json(kept)
    assert (back.options, back.retry, back.timeout_ms) == (
        STEP.options,
        STEP.retry,
        STEP.timeout_ms,
    )


def test_the_version_is_what_is_done_and_not_where_it_stands():
    moved = StepSpec.from_json(STEP.to_json() | {"line": 9})

    assert version_of((STEP,)) == version_of((moved,))
    assert version_of((STEP,)) != version_of((STEP, STEP))


@given(payloads)
def test_an_atom_is_the_way_back_to_its_value(value):
    if not isinstance(value, dict | list):
        assert plain(atom(value)) is value


def test_truth_values_are_not_numbers():
    assert len({atom(value) for value in (True, 1, False, 0)}) == 4
    assert repr(Flag.TRUE) == "true"


def test_a_pattern_is_written_as_it_is_read():
    assert str(Pattern("github")) == "github"
    assert str(Pattern("github", "push")) == "github/push"


def test_a_rule_knows_whether_it_is_about_several_events():
    assert not rule_of("").is_over_time
    assert rule_of('throttle = { once = "1h" }').is_over_time


def test_a_set_finds_a_rule_by_name():
    rule = rule_of("")

    assert RuleSet(rules=(rule,)).rule("r") is rule
    assert RuleSet(rules=(rule,)).rule("s") is None
