"""Pure: options from one declaration, every problem at its place."""

from typing import Annotated, Literal

import msgspec
import pytest

from hookagent.actions import options
from hookagent.actions.values import Duration, Text, Urls
from hookagent.environment import Environment
from hookagent.errors import ConfigError, Problem
from hookagent.located import Table, parse


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    size: Annotated[int, msgspec.Meta(ge=1)] = 1


class Options(msgspec.Struct, frozen=True, kw_only=True):
    text: Text
    url: Urls | None = None
    mode: Literal["fast", "slow"] = "fast"
    count: Annotated[int, msgspec.Meta(ge=1, le=9, description="How many.")] | None = None
    is_on: bool = False
    names: list[str] = []
    fields: dict[str, Text] = {}
    inner: Inner | None = None
    wait: Duration | None = None

    def __post_init__(self):
        if self.is_on and self.count is None:
            raise ValueError("`is_on` needs `count`")


def problems_of(text, environment=None):
    found: list[Problem] = []
    table = Table.root(parse(text, "r.toml"), found)
    options.check(Options, table, environment)
    table.finish()
    return [(problem.code, problem.line, problem.column) for problem in found], found


def test_good_options_have_no_problems():
    assert problems_of(
        'text = "{{ a }}"\nurl = ["https://a.test", "https://b.test/{{ x }}"]\nmode = "slow"\n'
        'count = 3\nis_on = true\nnames = ["a"]\nfields = { k = "${V}" }\ninner = { name = "x" }\n'
        'wait = "5m"\n'
    ) == ([], [])


def test_every_problem_of_a_step_is_told_with_its_place():
    places, found = problems_of(
        'txt = "x"\ncount = 12\nmode = "fats"\nis_on = "yes"\nnames = ["a", 5]\n'
        'fields = { good = "x", bad = "{{ x" }\ninner = { nam = "x", size = 0 }\nwait = "soon"\n'
        'url = "gopher://x"\n'
    )

    assert sorted(places, key=lambda place: place[1:]) == [
        ("missing-key", 1, 1),
        ("unknown-key", 1, 1),
        ("wrong-type", 2, 9),
        ("wrong-type", 3, 8),
        ("wrong-type", 4, 9),
        ("wrong-type", 5, 15),
        ("template", 6, 30),
        ("missing-key", 7, 9),
        ("unknown-key", 7, 11),
        ("wrong-type", 7, 29),
        ("wrong-type", 8, 8),
        ("wrong-url", 9, 7),
    ]
    assert len(found) == len(places)


def test_an_unknown_key_comes_with_the_nearest_one():
    _, found = problems_of('text = "x"\nmod = "fast"\n')

    assert [problem.hint for problem in found] == ["did you mean `mode`?"]


def test_a_missing_variable_is_told_where_it_is_written():
    places, found = problems_of('text = "x"\nfields = { k = "${NOPE}" }\n', Environment({}))

    assert places == [("missing-variable", 2, 16)]
    assert "NOPE" in found[0].message


def test_options_that_do_not_go_together_are_told():
    _, found = problems_of('text = "x"\nis_on = true\n')

    assert [problem.message for problem in found] == ["`is_on` needs `count`"]


def test_messages_are_in_our_words():
    _, found = problems_of('text = "x"\nmode = "fats"\nis_on = "yes"\nnames = "a"\ninner = 3\n')

    assert [problem.message for problem in found] == [
        "`mode` cannot be `fats`; known: `fast`, `slow`",
        "`is_on` must be true or false, not a string",
        "`names` must be a list, not a string",
        "must be a table, not a number",
    ]


def test_binding_puts_the_variables_in():
    made = options.bind(
        Options,
        {"text": "x", "names": ["${N}"], "inner": {"name": "${N}"}},
        Environment({"N": "value"}),
        what="action `t`",
    )

    assert made.names == ["value"]
    assert made.inner == Inner(name="value")


def test_binding_reports_every_problem_at_once():
    with pytest.raises(ConfigError) as caught:
        options.bind(Options, {"mode": "x", "names": ["${A}"]}, Environment({}), what="action `t`")

    assert [problem.code for problem in caught.value.problems] == [
        "missing-key",
        "wrong-type",
        "missing-variable",
    ]
    assert all(problem.message.startswith("action `t`: ") for problem in caught.value.problems)
