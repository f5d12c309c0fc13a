"""Pure: what a task asks, told apart by its hash, its transcript bounded."""

from typing import Any

import msgspec

from hookagent.actions.agents.budget import Limits
from hookagent.actions.agents.task import (
    TRANSCRIPT_BYTES_MAX,
    Hidden,
    Prices,
    Task,
    transcript,
)
from hookagent.actions.agents.wire import Reply, Turn
from hookagent.actions.egress import Permit
from hookagent.template import Scope
from tests.actions.agents.endpoint import signed_event


def task(**more):
    given = {
        "api": "openai", "url": "http://127.0.0.1:1", "model": "m", "system": "You sort.", "prompt": "Sort.",
        "data": {"title": "x"}, "schema": None, "tools": (), "approve": "tools", "max_tokens": 10,
        "limits": Limits(), "prices": Prices(), "budget": "", "when_full": "wait", "parameters": {},
        "permit": Permit(), "place": None, "hidden": Hidden("key", Scope(event=signed_event())),
    }  # fmt: skip
    return Task(**{**given, **more})


def test_the_hash_changes_with_what_is_asked_and_with_nothing_else():
    assert task().hash == task(max_tokens=99, hidden=Hidden("other", task().hidden.scope)).hash
    changes: tuple[dict[str, Any], ...] = (
        {"prompt": "x"},
        {"data": {}},
        {"schema": {}},
        {"model": "n"},
        {"system": ""},
    )
    assert len({task(**change).hash for change in changes} | {task().hash}) == 6


def test_what_the_model_obeys_stands_before_the_fence_and_its_rules_in_the_system():
    asked = task(schema={"type": "object"}).request((), "run_1-0")

    assert asked.turns[0].text.startswith("Sort.\n\n<untrusted-")
    assert asked.system.startswith("You sort.\n\nText between a mark")
    assert '{"type":"object"}' in asked.system
    assert "x" not in asked.system.split()


def test_no_data_is_no_fence():
    assert task(data=None).opening("s").text == "Sort."


def test_a_transcript_keeps_the_latest_that_fits():
    turns = tuple(Turn(who="model", text=str(n) * 10_000) for n in range(5))

    kept = transcript(turns)

    assert [turn["text"][0] for turn in kept] == ["2", "3", "4"]
    assert len(msgspec.json.encode(kept)) <= TRANSCRIPT_BYTES_MAX


def test_prices_are_for_a_million():
    assert (
        Prices(input=2.0, output=8.0).of(Reply(input_tokens=500_000, output_tokens=250_000)) == 3.0
    )


def test_a_key_is_shown_nowhere():
    assert "key" not in repr(task().hidden)
