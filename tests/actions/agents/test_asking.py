"""Pure: the message that asks a person, whatever is proposed."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hookagent.actions.agents.approval import question
from hookagent.actions.agents.asking import message
from hookagent.actions.base import Call

CALL = Call(idempotency_key="run_1-0", run_id="run_1", rule="r", event_id="evt_1", source="s")


@given(st.dictionaries(st.text(), st.text(max_size=4000), max_size=3))
def test_no_proposal_leaves_its_block_or_calls_anybody(what):
    asked = question("run_1-0", what, 0)

    made = message(asked, CALL)

    shown = made["blocks"][1]["text"]["text"]
    assert shown.count("`") == 6
    assert "<" not in shown
    assert len(shown) <= 3000
    assert msgspec.json.encode(made)
    assert {button["value"] for button in made["blocks"][2]["elements"]} == {asked.key}
