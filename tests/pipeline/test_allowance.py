"""Adapter: what rules start must have been allowed, in a registry of the test's own."""

import pytest

from hookagent.actions import registry as actions
from hookagent.config.model import TunnelSettings
from hookagent.config.trust import TrustRegistry
from hookagent.environment import Environment
from hookagent.errors import AnswerNo
from hookagent.pipeline.allowance import HINT, Allowance, commands
from hookagent.pipeline.rulebook import Bindings, load_rulebook

RULES = """
[rule.deploys]
[[rule.deploys.do]]
action = "exec"
command = ["./deploy.sh", "--", "{{ name }}"]
cwd = "tools"
env = { STAGE = "test" }
[[rule.deploys.do]]
action = "log"
text = "done"

[rule.counts]
[[rule.counts.do]]
action = "python"
function = "handlers:count"
[[rule.counts.do]]
action = "sql"
url = "sqlite:///a.db"
statement = "SELECT 1"

[rule.off]
enabled = false
[[rule.off.do]]
action = "exec"
command = ["never"]
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "all.toml").write_text(RULES)
    return folder


def ruleset(project):
    return load_rulebook([project / "rules"], project, Environment({})).ruleset


def test_every_step_that_starts_something_is_a_problem_with_its_place(tmp_path, project):
    registry = TrustRegistry(tmp_path / "user")
    problems = Allowance(registry, project).problems(ruleset(project))

    assert [(problem.file, problem.line, problem.hint) for problem in problems] == [
        ("rules/all.toml", 3, HINT),
        ("rules/all.toml", 13, HINT),
        ("rules/all.toml", 16, HINT),
    ]
    assert "`deploys` would start `cd tools && STAGE=test ./deploy.sh --" in problems[0].message


def test_an_edit_that_starts_nothing_new_asks_nothing(tmp_path, project):
    registry = TrustRegistry(tmp_path / "user")
    registry.allow(project, commands(ruleset(project), TunnelSettings()))
    allowance = Allowance(registry, project)
    assert allowance.problems(ruleset(project)) == []

    file = project / "rules" / "all.toml"
    file.write_text(RULES.replace('text = "done"', 'text = "ready"').replace("off", "of"))
    assert allowance.problems(ruleset(project)) == []

    file.write_text(RULES.replace('"--", "{{ name }}"', '"--force"'))
    (problem,) = allowance.problems(ruleset(project))
    assert "--force" in problem.message


@pytest.mark.parametrize(
    ("action", "options", "command"),
    [
        ("exec", {"command": ["a b", "$x"]}, "'a b' '$x'"),
        ("python", {"function": "m:f", "arguments": {"x": 1}}, "python m:f"),
        ("python", {"function": "m:f", "python": "./evil"}, "./evil m:f"),
        ("sql", {"url": "${DB}", "statement": "SELECT 1"}, "SELECT 1 -- in ${DB}"),
        ("file", {"path": "/home/x/.profile", "line": "x"}, ">> /home/x/.profile"),
        ("file", {"path": "${HOME}/.profile"}, ">> ${HOME}/.profile"),
        ("file", {"path": "notes.txt"}, None),
        ("log", {"text": "x"}, None),
        ("http", {"url": "https://example.test"}, None),
        ("a-plugin", {}, None),
    ],
)
def test_the_command_of_a_step_is_what_a_person_would_read(action, options, command):
    assert actions.starts(action, options) == command


def test_a_tunnel_of_ones_own_program_must_be_allowed_too(tmp_path, project):
    allowance = Allowance(TrustRegistry(tmp_path / "user"), project)
    own = TunnelSettings(provider="command", command=("./open", "{url}"))
    binary = TunnelSettings(provider="ngrok", binary="./ngrok")

    assert "./open" in allowance.tunnel_problems(own)[0].message
    assert "./ngrok" in allowance.tunnel_problems(binary)[0].message
    assert allowance.tunnel_problems(TunnelSettings(provider="ngrok")) == []
    assert allowance.tunnel_problems(TunnelSettings(provider="none", binary="./ngrok")) == []


def test_a_run_that_a_store_brings_along_starts_nothing_either(tmp_path, project):
    rule = ruleset(project).rule("deploys")
    registry = TrustRegistry(tmp_path / "user")
    bound = Bindings(Environment({}), Allowance(registry, project).allows).of_rule(rule)

    with pytest.raises(AnswerNo, match="not allowed"):
        bound.step(0)

    assert bound.step(1).name == "log"
