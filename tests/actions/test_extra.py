"""Pure and adapter: a missing extra says how to get it."""

import sys

import pytest

from hookagent.actions.extra import missing
from hookagent.job import Never
from tests.actions.conftest import act


def test_it_names_the_library_and_the_command():
    assert missing("nats", "nats-py") == Never(
        error="`nats-py` is not installed; get it with: pip install 'hookagent[nats]'"
    )


@pytest.mark.parametrize(
    ("step", "library", "extra"),
    [
        (("notify", {"url": "json://127.0.0.1:1/", "text": "x"}), "apprise", "notify"),
        (("publish", {"url": "nats://127.0.0.1:1", "topic": "x"}), "nats", "nats"),
        (
            ("sql", {"url": "postgresql://127.0.0.1:1/x", "statement": "SELECT 1"}),
            "psycopg",
            "postgres",
        ),
    ],
)
async def test_an_action_whose_extra_is_missing_says_so(outside, monkeypatch, step, library, extra):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "hookagent.actions.brokers.nats", raising=False)

    name, options = step
    outcome = await act(name, options, outside)

    assert isinstance(outcome, Never)
    assert f"hookagent[{extra}]" in outcome.error
