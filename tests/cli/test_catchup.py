"""`hookagent catchup`: shows what was missed, fetches it, asks for it again."""

import asyncio
import json
import threading
from contextlib import contextmanager

import pytest
from aiohttp import web

from tests.cli.workbench import EVIL, harmful
from tests.patience import PATIENCE_S
from tests.pipeline.catchup.provider import NOW, GitHubApi


@contextmanager
def serving(answer):
    """Serve an interface beside the command; yields its address."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []

    async def start():
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found.append(runner)
        ready.set()

    def run():
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(PATIENCE_S)
    try:
        yield f"http://127.0.0.1:{found[0].addresses[0][1]}"
    finally:
        asyncio.run_coroutine_threadsafe(found[0].cleanup(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def api():
    made = GitHubApi()
    made.add("g-1", {"action": "opened", "title": "one"}, at=NOW - 60_000)
    made.add("g-2", {"action": "closed", "title": "two"}, at=NOW)
    return made


@pytest.fixture
def catchup(configured, run, monkeypatch, api):
    """Run the command against the fake; `shop` has GitHub's scheme."""
    monkeypatch.setenv("GITHUB_TOKEN", "good")
    (configured / "hookagent.toml").write_text(
        (configured / "hookagent.toml").read_text().replace("/hooks/shop", "/hooks/github")
    )
    with serving(api.answer) as url:
        yield lambda *more: run(
            "catchup", "shop", "--repo", "octo/hello", "--since", "2020-01-01", "--api", url, *more
        )


def test_what_was_missed_is_shown_and_nothing_is_stored(catchup, run):
    code, out, err = catchup()

    assert code == 0
    assert [line.split("\t")[1:3] for line in out.splitlines()] == [
        ["issues.opened", "g-1"], ["issues.closed", "g-2"],
    ]  # fmt: skip
    assert "2 missed" in err
    assert run("inspect")[1] == ""


def test_what_was_fetched_is_an_event_and_not_missed_any_more(catchup, run):
    code, out, _ = catchup("--fetch", "--json")

    assert code == 0
    assert [json.loads(line)["outcome"] for line in out.splitlines()] == ["accepted", "accepted"]
    rows = [json.loads(line) for line in run("inspect", "--json")[1].splitlines()]
    assert [(row["origin"], row["integrity"]) for row in rows] == [("fetched", "origin-only")] * 2
    assert "nothing was missed" in catchup()[2]


def test_the_provider_is_asked_to_send_again(catchup, api):
    code, out, _ = catchup("--redeliver")

    assert code == 0
    assert "asked for" in out
    assert api.attempts == ["g-1", "g-2"]


def test_a_wrong_token_and_a_wrong_wish_are_said(catchup):
    code, _, err = catchup("--token", "bad")
    assert code == 5
    assert "does not know the token" in err

    assert catchup("--fetch", "--redeliver")[0] == 2
    assert catchup("--from", "gitlab")[0] == 2


def test_without_a_token_it_says_which_variable_to_set(configured, run, monkeypatch):
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.delenv("GH_TOKEN", raising=False)

    code, _, err = run("catchup", "shop", "--repo", "octo/hello")

    assert code == 5
    assert "GITHUB_TOKEN" in err
    assert run("catchup", "shp")[0] == 4


def test_what_a_provider_lists_cannot_steer_the_terminal(catchup, api):
    api.add(f"g-{EVIL}", {"action": EVIL}, event=EVIL)
    api.deliveries[0]["status"] = EVIL

    for more in ([], ["--json"], ["--redeliver"], ["--fetch"]):
        code, out, err = catchup(*more)
        assert harmful(out + err) == [], more
        assert code in {0, 1, 5}
