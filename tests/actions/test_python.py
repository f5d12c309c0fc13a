"""Adapter: a function of the user's own, in a process of its own."""

import pytest

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Done, Never
from tests.actions.conftest import act, call_of

HANDLERS = """
import asyncio, email, http, json, os, sys, time

def plain(event, *, factor=1):
    print("said aloud")
    return {"doubled": event["payload"]["n"] * 2 * factor, "key": event["idempotency_key"]}

async def later(event):
    await asyncio.sleep(0)
    return [event["source"], event["type"], event["id"], sorted(name for name, _ in event["headers"])]

def fails(event):
    raise ValueError("not today")

def gives_up(event):
    raise SystemExit(65)

def not_json(event):
    return object()

def nothing(event):
    os.write(1, b"straight to the descriptor")

def hangs(event):
    time.sleep(60)

def surroundings(event):
    return [http.__file__, email.__file__, os.environ.get("GITHUB_TOKEN"), os.environ["STAGE"], os.getcwd()]

number = 5
"""


@pytest.fixture(autouse=True)
def handlers(tmp_path):
    folder = tmp_path / "handlers"
    folder.mkdir()
    (folder / "orders.py").write_text(HANDLERS)


async def call(outside, function, payload=None, **more):
    context = more.pop("call", None)
    headers = {"X-Kind": "a", "X-Secret-Token": "s"}
    options = {"function": f"handlers.orders:{function}", **more}
    return await act("python", options, outside, payload, call=context, headers=headers)


async def test_a_functions_answer_is_for_later_steps(outside):
    outcome = await call(outside, "plain", {"n": 4}, arguments={"factor": "{{ n }}"})

    assert isinstance(outcome, Done)
    assert outcome.output["answer"] == {"doubled": 32, "key": "run_1-0"}
    assert outcome.output["stderr"] == "said aloud\n"


async def test_a_function_may_be_async_and_sees_no_secret_headers(outside):
    outcome = await call(outside, "later")

    assert isinstance(outcome, Done)
    assert outcome.output["answer"] == ["shop", "order.paid", "evt_1", ["X-Kind"]]


async def test_an_exception_is_tried_again_with_its_last_line(outside):
    outcome = await call(outside, "fails")

    assert isinstance(outcome, Again)
    assert outcome.error == "exit code 1: ValueError: not today"


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("gives_up", "exit code 65"),
        ("not_json", "not JSON"),
        ("missing", "cannot find"),
        ("number", "is not a function"),
    ],
)
async def test_what_no_repetition_mends_is_for_good(outside, function, error):
    outcome = await call(outside, function)

    assert isinstance(outcome, Never)
    assert error in outcome.error


async def test_what_a_function_writes_cannot_spoil_its_answer(outside):
    outcome = await call(outside, "nothing")

    assert isinstance(outcome, Done)
    assert outcome.output == {"answer": None, "stderr": "straight to the descriptor"}


async def test_a_function_that_hangs_is_killed(outside):
    outcome = await call(outside, "hangs", call=call_of(timeout_ms=500))

    assert isinstance(outcome, Again)
    assert outcome.error == "killed after 0.5 s"


async def test_its_surroundings_are_clean(outside, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "leak-me-not")

    outcome = await call(outside, "surroundings", env={"STAGE": "{{ @source }}"})

    assert isinstance(outcome, Done)
    http, email, token, stage, folder = outcome.output["answer"]
    assert "hookagent" not in http + email
    assert token is None
    assert stage == "shop"
    assert folder == str(outside.folder)


@pytest.mark.parametrize("function", ["handlers", "a:b:c", "os; x:y", "../x:y", "a:b()", ":x"])
def test_a_function_has_a_plain_name(function):
    with pytest.raises(ConfigError, match="module:function"):
        bind("python", {"function": function}, Environment({}))
