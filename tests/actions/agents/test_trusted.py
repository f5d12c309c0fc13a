"""Pure: what the rule says and what an event says are kept apart, and what each holds is known."""

import pytest

from hookagent.actions.agents.trusted import Data, Instruction
from hookagent.actions.reading import Reader
from hookagent.environment import Environment


def test_an_instruction_takes_variables_and_remembers_which():
    reader = Reader(Environment({"TEAM": "blue team"}))

    made = Instruction.read("For ${TEAM}: sort.", ("prompt",), reader)

    assert made is not None
    assert made.text == "For blue team: sort."
    assert made.variables == ["TEAM"]


@pytest.mark.parametrize("value", ["Sort {{ title }}", "", "  ", 3, None])
def test_an_instruction_takes_nothing_else(value):
    reader = Reader(Environment({}))

    assert Instruction.read(value, ("prompt",), reader) is None
    assert len(reader.found) == 1


def test_a_value_that_looks_like_an_instruction_s_template_is_not_read_again():
    reader = Reader(Environment({"TEAM": "{{ title }}"}))

    made = Instruction.read("For ${TEAM}", ("prompt",), reader)

    assert made is not None
    assert made.text == "For {{ title }}"


@pytest.mark.parametrize(
    ("value", "untrusted", "private", "variables"),
    [
        ({"a": "fixed"}, False, False, []),
        ({"a": ["{{ issue.title }}"]}, True, False, []),
        ({"a": "{{ steps.look.output.rows }}"}, True, True, []),
        ({"a": "${KEY}", "b": 3}, False, False, ["KEY"]),
        ("{{ @headers.x }}", True, False, []),
    ],
)
def test_what_data_holds_is_known(value, untrusted, private, variables):
    data = Data.read(value, ("data",), Reader(None))

    assert data is not None
    assert (data.is_untrusted, data.is_private, data.variables) == (untrusted, private, variables)
