"""Pure and adapter: actions by name, steps bound, plugins that are broken."""

import sys
import types
from importlib.metadata import EntryPoint

import msgspec
import pytest

from hookagent.actions import registry
from hookagent.environment import Environment
from hookagent.errors import ConfigError, NotFound, Problem
from hookagent.job import Again, Done, Never
from hookagent.located import Table, parse
from hookagent.template import TemplateError
from tests.actions.conftest import call_of, scope_of


def problems_of(action, text, environment=None):
    found: list[Problem] = []
    registry.check_step(action, Table.root(parse(text, "r.toml"), found), environment)
    return [(problem.code, problem.line, problem.hint) for problem in found]


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_action_has_what_an_action_must_have(name):
    action = registry.load(name)

    assert action.about.endswith(".")
    assert issubclass(action.Options, msgspec.Struct)
    assert callable(action.prepare)
    assert callable(action.run)


@pytest.mark.parametrize("name", sorted(registry.BUILT_IN))
def test_every_option_of_every_action_is_described(name):
    schema = registry.schema(registry.load(name))

    def undescribed(part):
        return [key for key, value in part["properties"].items() if "description" not in value]

    assert undescribed(schema) == []
    for definition in schema.get("$defs", {}).values():
        if "properties" in definition:
            assert undescribed(definition) == []


def test_an_unknown_action_comes_with_the_nearest_one():
    assert problems_of("htpp", 'action = "htpp"\nurl = "x"\n') == [
        ("unknown-action", 1, "did you mean `http`?")
    ]
    with pytest.raises(NotFound, match="no action `htpp`"):
        registry.bind("htpp", {}, Environment({}))


def test_a_step_is_checked_whole_unknown_keys_included():
    text = 'url = "https://{{ h }}/"\nmethd = "GET"\njson = { a = "{{ x" }\n'

    assert [(code, line) for code, line, _ in problems_of("http", text)] == [
        ("wrong-url", 1),
        ("template", 3),
        ("unknown-key", 2),
    ]


def test_variables_are_looked_up_only_with_an_environment():
    text = 'text = "${NOPE}"\n'

    assert problems_of("log", text) == []
    assert [code for code, *_ in problems_of("log", text, Environment({}))] == ["missing-variable"]


def test_wrong_options_of_a_stored_step_are_told_when_it_is_bound():
    with pytest.raises(ConfigError, match="action `http`"):
        registry.bind("http", {"url": 5}, Environment({}))


def test_a_dry_run_shows_everything_but_secrets():
    environment = Environment({"TOKEN": "s3cr3t-t0ken"})
    step = registry.bind(
        "http",
        {
            "url": "https://api.test/{{ id }}?token=${TOKEN}",
            "headers": {"Authorization": "Bearer ${TOKEN}", "X-Plain": "{{ id }}"},
            "json": {"id": "{{ id }}", "note": "${TOKEN}"},
        },
        environment,
    )

    shown = step.describe(step.prepare(scope_of({"id": 7})))

    assert "s3cr3t" not in str(shown)
    assert shown["action"] == "http"
    assert shown["request"]["url"] == "https://api.test/7?token=***"
    assert ["X-Plain", "7"] in shown["request"]["headers"]
    assert shown["request"]["body"] == '{"id":7,"note":"***"}'


def test_a_long_body_is_cut_in_a_dry_run():
    step = registry.bind("forward", {"url": "http://127.0.0.1:1/"}, Environment({}))

    shown = step.describe(step.prepare(scope_of(body=b"x" * 10_000)))

    assert shown["requests"][0]["body"].endswith("… (5904 bytes more)")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    pass


def plugin_of(run, prepare=lambda _options, _scope: Prepared()):
    return types.SimpleNamespace(about="Test.", Options=Options, prepare=prepare, run=run)


def bound(action, environment):
    return registry.BoundStep("test", action, Options(), environment)


async def test_a_bug_in_an_action_is_an_outcome_without_secrets(outside):
    async def run(_prepared, _call, _outside):
        raise RuntimeError("cannot use s3cr3t-t0ken")

    environment = Environment({"T": "s3cr3t-t0ken"})
    environment.expand("${T}")

    outcome = await bound(plugin_of(run), environment).execute(scope_of(), call_of(), outside)

    assert outcome == Again(error="RuntimeError: cannot use ***")


async def test_an_output_with_a_secret_is_masked(outside):
    async def run(_prepared, _call, _outside):
        return Done({"echo": ["s3cr3t-t0ken"], "n": 1})

    environment = Environment({"T": "s3cr3t-t0ken"})
    environment.expand("${T}")

    outcome = await bound(plugin_of(run), environment).execute(scope_of(), call_of(), outside)

    assert outcome == Done({"echo": ["***"], "n": 1})


async def test_a_value_that_is_missing_ends_the_step_for_good(outside):
    def prepare(_options, _scope):
        raise TemplateError("there is no `x` in this event")

    async def run(_prepared, _call, _outside):
        raise AssertionError

    step = bound(plugin_of(run, prepare), Environment({}))

    assert await step.execute(scope_of(), call_of(), outside) == Never(
        error="there is no `x` in this event"
    )


def entry(name, value, monkeypatch, *others):
    points = [EntryPoint(name, value, registry.GROUP), *others]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


@pytest.fixture
def plugin_module(monkeypatch):
    module = types.ModuleType("a_plugin")

    async def run(_prepared, _call, _outside):
        return Done("plugged")

    for name, value in vars(plugin_of(run)).items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "a_plugin", module)
    return module


async def test_a_third_party_adds_an_action_by_an_entry_point(plugin_module, monkeypatch, outside):
    entry("pager", "a_plugin", monkeypatch)

    step = registry.bind("pager", {}, Environment({}))

    assert "pager" in registry.names()
    assert "pager" in registry.schemas()
    assert registry.warnings() == []
    assert await step.execute(scope_of(), call_of(), outside) == Done("plugged")


@pytest.mark.parametrize("value", ["no_such_module_of_ours", "json:no_such_name", "sys"])
def test_a_broken_plugin_is_a_warning_with_its_name_and_breaks_nothing(value, monkeypatch):
    entry("pager", value, monkeypatch)

    (warning,) = registry.warnings()

    assert warning.severity == "warning"
    assert "`pager`" in warning.message
    assert "pager" not in registry.schemas()
    assert "http" in registry.schemas()
    assert [code for code, *_ in problems_of("pager", 'action = "pager"\n')] == ["unknown-action"]


def test_a_plugin_cannot_take_a_name_of_ours(plugin_module, monkeypatch):
    entry("http", "a_plugin", monkeypatch)

    (warning,) = registry.warnings()

    assert "the name is ours" in warning.message
    assert registry.load("http").__name__ == "hookagent.actions.http"  # type: ignore[attr-defined]  # a module


def test_describing_all_actions_names_each_once():
    described = registry.describe_actions()

    assert [entry["name"] for entry in described] == sorted(registry.BUILT_IN)
    assert all(entry["schema"]["type"] == "object" for entry in described)
