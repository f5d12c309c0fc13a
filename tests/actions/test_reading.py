"""Pure: how problems of options are collected."""

from hookagent.actions.reading import Found, Reader
from hookagent.environment import Environment
from hookagent.template import Template


def test_problems_are_collected_in_order():
    reader = Reader(None)
    reader.report("a", "first", ("x",))
    reader.report("b", "second", ("y", 0), hint="do it")

    assert reader.found == [Found("a", "first", ("x",)), Found("b", "second", ("y", 0), "do it")]


def test_without_an_environment_variables_stay_as_written():
    assert Reader(None).expand("${X}", ("x",)) == "${X}"
    template = Reader(None).template(Template, "${X} {{ a }}", ("x",))
    assert template is not None
    assert template.source == "${X} {{ a }}"


def test_a_missing_variable_is_a_problem_and_reading_goes_on():
    reader = Reader(Environment({}))

    assert reader.expand("${X}", ("x",)) == ""
    assert [found.code for found in reader.found] == ["missing-variable"]
