"""Pure: variables are put in, missing ones are named, and what was put in counts as a secret."""

import pytest

from hookagent.environment import Environment, MissingVariable, variables


def test_variables_are_put_in_and_a_double_dollar_is_one():
    environment = Environment({"A": "alpha", "B": "beta"})

    assert environment.expand("${A}/${B} costs $$5 $HOME") == "alpha/beta costs $5 $HOME"


def test_a_missing_variable_says_its_name_and_place():
    with pytest.raises(MissingVariable) as caught:
        Environment({}).expand("x ${NOPE}")

    assert (caught.value.name, caught.value.offset) == ("NOPE", 2)


def test_what_was_put_in_is_remembered_as_secret_unless_it_is_a_setting():
    environment = Environment({"TOKEN": "hunter2-hunter2", "PORT": "80", "UNUSED": "never-shown"})
    environment.expand("${TOKEN}:${PORT}")
    environment.remember("from-a-file")

    assert environment.secrets == {"hunter2-hunter2", "from-a-file"}
    assert "hunter2" not in repr(environment)


def test_the_names_a_text_refers_to_are_listed_in_order():
    assert variables("${B} ${A} $$ ${B}") == ["B", "A", "B"]
