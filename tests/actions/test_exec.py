"""Pure and adapter: argument lists from hostile values, and how a program's end is sorted."""

import sys

import pytest

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Done, Never
from tests.actions.conftest import act, call_of, scope_of

HOSTILE = [
    "; touch canary",
    "$(touch canary)",
    "`touch canary`",
    "| touch canary",
    "&& touch canary",
    "\n touch canary",
    "' ; touch canary ; '",
    '" ; touch canary ; "',
    "${IFS}touch${IFS}canary",
    "{{ other }}",
    "%s%n",
    "../../etc/passwd",
    "*",
    "~root",
    "\\",
    "日本\u202e",
]


def prepared(options, payload):
    return bind("exec", options, Environment({})).prepare(scope_of(payload))


def python(code, *arguments):
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


async def test_a_program_runs_and_its_json_is_for_later_steps(outside):
    code = "import json, sys; print(json.dumps({'got': json.load(sys.stdin), 'argument': sys.argv[1]}))"

    outcome = await act(
        "exec", {"command": python(code, "{{ a }}")}, outside, {"a": "x y"}, body=b'{"a": "x y"}'
    )

    assert isinstance(outcome, Done)
    assert outcome.output["json"] == {"got": {"a": "x y"}, "argument": "x y"}
    assert outcome.output["exit_code"] == 0


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_hostile_value_is_one_argument_and_nothing_else(outside, value):
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"

    outcome = await act("exec", {"command": python(code, "{{ v }}", "end")}, outside, {"v": value})

    assert isinstance(outcome, Done)
    assert outcome.output["json"] == [value, "end"]
    assert not (outside.folder / "canary").exists()


@pytest.mark.parametrize(
    "value", ["-rf", "--output=/etc/x", "-", "@/etc/passwd", "-oProxyCommand=x"]
)
async def test_a_value_that_reads_as_an_option_is_refused(outside, value):
    refused = await act("exec", {"command": ["echo", "{{ v }}"]}, outside, {"v": value})
    assert isinstance(refused, Never)
    assert "would begin with" in refused.error

    for allowed in (
        {"command": ["echo", "--", "{{ v }}"]},
        {"command": ["echo", "x{{ v }}"]},
        {"command": ["echo", "{{ v }}"], "allow_dash": True},
    ):
        assert isinstance(await act("exec", allowed, outside, {"v": value}), Done)


def test_a_double_dash_from_a_value_frees_nothing():
    with pytest.raises(ValueError, match="would begin with"):
        prepared({"command": ["echo", "{{ a }}", "{{ b }}"]}, {"a": "--", "b": "-x"})


def test_a_nul_is_refused():
    with pytest.raises(ValueError, match="NUL"):
        prepared({"command": ["echo", "{{ a }}"]}, {"a": "x\0y"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": []}, "must name a program"),
        ({"command": ["  "]}, "must name a program"),
        ({"command": ["{{ a }}", "x"]}, "must be literal"),
        ({"command": ["/bin/{{ a }}"]}, "must be literal"),
        ({"command": "echo {{ a }}"}, "must be a list"),
        ({"command": ["sh", "-c", "echo {{ a }}"]}, "read the template as code"),
        ({"command": ["/bin/bash", "-ec", "echo {{ a }}"]}, "read the template as code"),
        ({"command": ["powershell.exe", "-Command", "{{ a }}"]}, "read the template as code"),
        ({"command": ["cmd", "/c", "{{ a }}"]}, "read the template as code"),
        ({"command": ["deploy.bat", "{{ a }}"]}, "batch file"),
        ({"command": ["x"], "shell": True}, "unknown key `shell`"),
        ({"command": ["x"], "env": {"HOOKAGENT_TYPE": "x"}}, "cannot be the name"),
        ({"command": ["x"], "env": {"A=B": "x"}}, "cannot be the name"),
    ],
)
def test_what_could_run_a_value_as_code_is_a_problem(options, message):
    with pytest.raises(ConfigError, match=message):
        bind("exec", options, Environment({}))


def test_a_shell_may_take_values_as_arguments():
    made = prepared({"command": ["sh", "-c", 'echo "$1"', "sh", "{{ a }}"]}, {"a": "$(id)"})

    assert made.command == ("sh", "-c", 'echo "$1"', "sh", "$(id)")


async def test_the_environment_is_clean_and_names_the_event(outside, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "leak-me-not")
    code = "import json, os; print(json.dumps(dict(os.environ)))"

    outcome = await act(
        "exec",
        {"command": python(code), "env": {"STAGE": "{{ stage }}", "TOKEN": "${TOKEN}"}},
        outside,
        {"stage": "test"},
    )

    assert isinstance(outcome, Done)
    seen = outcome.output["json"]
    assert "GITHUB_TOKEN" not in seen
    assert seen["HOOKAGENT_EVENT_ID"] == "evt_1"
    assert seen["HOOKAGENT_SOURCE"] == "shop"
    assert seen["HOOKAGENT_TYPE"] == "order.paid"
    assert seen["HOOKAGENT_IDEMPOTENCY_KEY"] == "run_1-0"
    assert seen["STAGE"] == "test"
    assert seen["TOKEN"] == "***"


def test_a_variable_that_is_too_long_is_refused():
    options = {"command": ["x"], "env": {"A": "{{ a }}{{ a }}{{ a }}"}}

    with pytest.raises(ValueError, match=r"too long|at most|grew"):
        prepared(options, {"a": "x" * 60_000})


@pytest.mark.parametrize(
    ("script", "kind", "error"),
    [
        ("exit 1", Again, "exit code 1"),
        (
            "echo first >&2; echo broken pipe dream >&2; exit 2",
            Again,
            "exit code 2: broken pipe dream",
        ),
        ("exit 75", Again, "exit code 75"),
        ("exit 64", Never, "exit code 64"),
        ("exit 78", Never, "exit code 78"),
        ("kill -TERM $$$$", Again, "signal 15"),
    ],
)
async def test_how_a_program_ends_is_sorted(outside, script, kind, error):
    outcome = await act("exec", {"command": ["sh", "-c", script]}, outside)

    assert isinstance(outcome, kind)
    assert outcome.error == error
    assert "exit_code" in outcome.output


async def test_a_program_that_takes_too_long_is_killed_and_tried_again(outside):
    outcome = await act("exec", {"command": ["sleep", "30"]}, outside, call=call_of(timeout_ms=200))

    assert isinstance(outcome, Again)
    assert outcome.error == "killed after 0.2 s"


async def test_a_missing_program_is_for_good_and_says_what_to_write(outside):
    outcome = await act("exec", {"command": ["no-such-program-here"]}, outside)

    assert isinstance(outcome, Never)
    assert "there is no program `no-such-program-here`" in outcome.error


async def test_a_file_that_may_not_be_run_is_for_good(outside):
    (outside.folder / "plain.txt").write_text("x")

    outcome = await act("exec", {"command": ["./plain.txt"]}, outside)

    assert isinstance(outcome, Never)
    assert "permission denied" in outcome.error


async def test_a_missing_folder_may_come_back(outside):
    outcome = await act("exec", {"command": ["true"], "cwd": "gone"}, outside)

    assert isinstance(outcome, Again)
    assert "there is no folder `gone`" in outcome.error


def test_a_dry_run_shows_the_very_command_line():
    step = bind("exec", {"command": ["echo", "{{ a }}"]}, Environment({}))

    shown = step.describe(step.prepare(scope_of({"a": 1}, body=b"body")))

    assert shown["command"] == ["echo", "1"]
    assert shown["stdin"] == "body"
