"""Test cases: what they leave out is made up so that `on` takes the event."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.errors import ConfigError
from hookagent.rules.cases import sample_of
from hookagent.rules.patterns import WrongPattern, fits_glob
from tests.rules.events import rule_of


@given(st.text(alphabet="ab*?[]!-", max_size=8))
def test_a_sample_fits_its_glob(glob):
    with suppress(WrongPattern):
        assert fits_glob(glob, sample_of(glob)) or "-" in glob


@pytest.mark.parametrize("glob", ["ticket.*", "v[0-9]", "[!a]x", "a?c", "plain"])
def test_a_sample_of_what_people_write_fits(glob):
    assert fits_glob(glob, sample_of(glob))


def test_source_and_type_come_from_on():
    rule = rule_of('on = ["shop/order.*", "x"]\ntest = [{ payload = { a = 1 } }]')

    case = rule.tests[0]
    assert (case.source, case.type, case.payload, case.fires) == (
        "shop",
        "order.example",
        {"a": 1},
        True,
    )


def test_an_event_of_a_file_brings_its_own():
    case = rule_of('on = "shop"\ntest = [{ event = "order.json", fires = false }]').tests[0]

    assert (case.event, case.source, case.type, case.fires) == ("order.json", "", "", False)


def test_a_payload_may_be_json_text():
    assert rule_of("test = [{ json = '[null, 1]' }]").tests[0].payload == [None, 1]
    with pytest.raises(ConfigError, match="`json` is not JSON"):
        rule_of("test = [{ json = '[' }]")


def test_everything_can_be_said():
    case = rule_of(
        'test = [{ payload = [], source = "s", type = "t", headers = { X = "1" }, query = { q = "2" }, '
        'received_at = 2026-01-31T12:00:00Z, repeat = 5, every = "2s", sends = { log = { message = "m" } } }]',
    ).tests[0]

    assert (case.headers, case.query, case.repeat, case.every_ms) == (
        {"X": "1"},
        {"q": "2"},
        5,
        2_000,
    )
    assert case.received_at == 1_769_860_800_000
    assert case.sends == {"log": {"message": "m"}}
