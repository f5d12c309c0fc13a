"""Adapter: time passes without a worker being held."""

import pytest

from hookagent.actions.base import Outside
from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Done, Later
from tests.actions.conftest import NOW, act, call_of


async def test_the_first_visit_says_when_and_a_later_one_is_done(tmp_path):
    now = NOW
    outside = Outside(
        folder=tmp_path, state=tmp_path, environment=Environment({}), clock=lambda: now
    )

    first = await act("delay", {"wait": "10m"}, outside)
    assert isinstance(first, Later)
    assert (first.after_ms, first.output) == (600_000, {"until": NOW + 600_000})

    now += 300_000
    early = await act("delay", {"wait": "10m"}, outside, call=call_of(earlier=first.output))
    assert isinstance(early, Later)
    assert early.after_ms == 300_000

    now += 300_000
    assert isinstance(
        await act("delay", {"wait": "10m"}, outside, call=call_of(earlier=early.output)), Done
    )


@pytest.mark.parametrize("wait", ["31d", "soon"])
def test_what_is_no_reasonable_time_is_a_problem(wait):
    with pytest.raises(ConfigError, match="`wait`"):
        bind("delay", {"wait": wait}, Environment({}))
