"""Adapter: rules chain, and loops end."""

from hookagent.actions.base import Emission
from hookagent.job import Done, Never
from tests.actions.conftest import act, call_of, event_of


async def test_a_new_event_names_its_parent_and_its_key(outside):
    emitted = []

    async def emit(emission):
        emitted.append(emission)
        return "evt_2"

    outside.emit = emit
    options = {"type": "order.{{ size }}", "payload": {"total": "{{ total }}"}}

    outcome = await act("emit", options, outside, {"size": "large", "total": 900})

    assert outcome == Done({"id": "evt_2"})
    assert emitted == [
        Emission(
            source="internal",
            type="order.large",
            payload={"total": 900},
            parent="evt_1",
            key="run_1-0",
            hop=1,
        )
    ]


async def test_without_a_payload_it_takes_that_of_the_event(outside):
    emitted = []

    async def emit(emission):
        emitted.append(emission.payload)
        return "evt_2"

    outside.emit = emit
    await act("emit", {"type": "x"}, outside, {"a": [1]})

    assert emitted == [{"a": [1]}]


async def test_a_chain_that_is_too_long_is_a_loop(outside):
    async def emit(_emission):
        raise AssertionError

    outside.emit = emit
    event = event_of(headers={"X-Hookagent-Hop": "3"})

    outcome = await act("emit", {"type": "x"}, outside, call=call_of(event))

    assert isinstance(outcome, Never)
    assert "loop" in outcome.error


async def test_where_no_agent_runs_nothing_is_emitted(outside):
    assert isinstance(await act("emit", {"type": "x"}, outside), Never)
