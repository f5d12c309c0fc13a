"""Adapter: one line in the terminal and in the output."""

from hookagent.job import Done
from tests.actions.conftest import act


async def test_a_line_is_said_and_kept(outside, said):
    outcome = await act("log", {"text": "{{ n }} left", "level": "warning"}, outside, {"n": 3})

    assert outcome == Done({"text": "3 left", "level": "warning"})
    assert said == ["warning: 3 left"]


async def test_without_a_text_the_event_is_named(outside, said):
    await act("log", {}, outside)

    assert said == ["info: shop order.paid evt_1"]


async def test_a_hostile_value_does_not_steer_the_terminal(outside, said):
    await act("log", {"text": "{{ t }}"}, outside, {"t": "\x1b]0;owned\x07\u202e"})

    assert said == ["info: \\x1b]0;owned\\x07\\u202e"]


async def test_a_line_is_bounded(outside, said):
    await act("log", {"text": "{{ t }}"}, outside, {"t": "x" * 50_000})

    assert len(said[0]) < 9000
