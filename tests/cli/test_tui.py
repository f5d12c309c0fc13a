"""The full-screen view: every key, at three widths, headless; and when it is not shown."""

import asyncio
import json
import sys

import pytest
from textual.worker import WorkerCancelled

from hookagent.cli import tui
from hookagent.cli.selecting import event_filter
from hookagent.cli.storing import opened
from hookagent.cli.tui_app import Workbench
from hookagent.cli.tui_text import KEYS, help_text, read_filter, styled
from hookagent.errors import UsageError
from hookagent.job import RunState
from hookagent.pipeline.presence import announce
from hookagent.store.base import EventFilter
from tests.cli.workbench import EVIL, NOW, harmful


def order(number, **more):
    return {"id": f"o-{number}", "type": "order.paid", "amount": number * 100, **more}


@pytest.fixture
def events(seed):
    """Three events: two orders and a refund with a hostile note."""
    return seed.events(order(1), order(2), order(3, type="refund", note=f"[red]{EVIL}"))


class Person:
    """Someone at the view."""

    def __init__(self, app, pilot):
        self.app = app
        self.pilot = pilot

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self):
        while True:
            try:
                await self.app.workers.wait_for_complete()
            except WorkerCancelled:  # what it looked for was asked for anew: that is awaited now
                continue
            break
        await self.pilot.pause()

    def text(self, name="event_text"):
        return str(self.app.screen_stack[0].query_one(f"#{name}").content)

    @property
    def rows(self):
        table = self.app.screen_stack[0].query_one("#list")
        return [str(row.value) for row in table.rows]

    @property
    def runs(self):
        table = self.app.screen_stack[0].query_one("#list")
        return [str(table.get_row_at(n)[2]) for n in range(table.row_count)]

    @property
    def marks(self):
        table = self.app.screen_stack[0].query_one("#list")
        return [str(table.get_row_at(n)[0]) for n in range(table.row_count)]


@pytest.fixture
def at_view(seed):
    """Open the view for the time of a block."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def view(size=(120, 40)):
        async with opened(seed.config) as store:
            app = Workbench(seed.config, store, event_filter(now=NOW))
            async with app.run_test(size=size) as pilot:
                person = Person(app, pilot)
                await person.settle()
                yield person

    return view


async def test_the_newest_event_is_shown_first(events, at_view):
    async with at_view() as person:
        assert person.rows == events[::-1]
        assert events[2] in person.text()
        assert harmful(person.text()) == []
        assert "[red]" in person.text()
        assert "3 events  following" in person.text("status")


async def test_the_cursor_moves_by_the_usual_keys(events, at_view):
    async with at_view() as person:
        await person.press("j")
        assert events[1] in person.text()
        await person.press("G")
        assert events[0] in person.text()
        await person.press("k")
        assert events[1] in person.text()
        await person.press("g")
        assert events[2] in person.text()


@pytest.mark.parametrize(
    ("size", "classes", "runs_apart"),
    [((140, 40), {"wide"}, True), ((100, 30), set(), False), ((40, 12), {"narrow"}, False)],
)
async def test_panes_go_by_the_width(seed, at_view, size, classes, runs_apart):
    from hookagent.job import RunState

    (event,) = await asyncio.to_thread(seed.events, order(1))
    await asyncio.to_thread(seed.runs, event, RunState.DEAD, reason="gave up")
    async with at_view(size) as person:
        assert {"wide", "narrow"} & set(person.app.screen.classes) == classes
        assert ("gave up" in person.text()) is not runs_apart
        assert "gave up" in person.text("runs_text")
        await person.pilot.resize_terminal(100, 30)
        await person.settle()
        assert "gave up" in person.text()


async def test_a_filter_narrows_the_list_and_escape_clears_it(events, at_view):
    async with at_view() as person:
        await person.press("slash", *"type:refund", "enter")
        assert person.rows == [events[2]]
        await person.press("escape")
        assert len(person.rows) == 3
        await person.press("f", *"nope:", "enter")
        assert "lacks a value" in person.text("status")


async def test_what_comes_appears_and_the_cursor_stays_with_its_event(seed, events, at_view):
    async with at_view() as person:
        await person.press("j")
        (new,) = await asyncio.to_thread(seed.events, order(4), at=NOW + 60_000)
        await person.app._look()
        await person.settle()
        assert person.rows[0] == new
        assert person.app._chosen == events[1]
        await person.press("F")
        await asyncio.to_thread(seed.events, order(5), at=NOW + 70_000)
        await person.app._look()
        assert len(person.rows) == 4
        assert "paused" in person.text("status")


async def test_how_an_events_runs_end_is_seen_while_one_looks(seed, events, at_view):
    async with at_view() as person:
        assert person.runs == ["…"] * 3
        await asyncio.to_thread(seed.runs, events[2], RunState.DEAD, reason="said 500")
        await person.app._look()
        await person.settle()

        assert person.runs == ["✗", "-", "-"]
        assert "said 500" in person.text("runs_text")


async def test_two_events_are_compared(events, at_view):
    async with at_view() as person:
        await person.press("d")
        assert "mark an event" in person.text("status")
        await person.press("G", "m")
        assert person.marks == ["", "", "*"]
        await person.press("k", "d")
        assert "amount: 100 → 200" in person.text()
        assert "compared with the marked event" in person.text("status")
        await person.press("j", "m")
        assert person.marks == ["", "", ""]


async def test_curl_and_body_are_copied(events, at_view):
    async with at_view() as person:
        await person.press("G", "y")
        assert json.loads(person.app.clipboard)["id"] == "o-1"
        await person.press("c")
        assert person.app.clipboard.startswith("curl --request POST")
        assert "copied as curl" in person.text("status")


async def test_an_event_is_replayed_and_edited(seed, events, at_view, app, folder, monkeypatch):
    script = folder / "editor.py"
    script.write_text(
        "import sys\np = sys.argv[1]\nt = open(p).read()\nopen(p, 'w').write(t.replace('100', '7'))\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    announce(seed.config.state_folder, app.url)
    async with at_view() as person:
        await person.press("G", "r")
        assert "200 " in person.text("status")
        await person.press("R")
        await person.press("e")

    assert [body["amount"] for body in app.bodies] == [100, 7]
    assert [path for _, path, _, _ in app.came] == ["/hooks/shop"] * 2


async def test_a_replay_that_reaches_nobody_is_said(events, at_view):
    async with at_view() as person:
        await person.press("r")
        assert "cannot be reached" in person.text("status")


async def test_the_keys_are_shown_and_the_view_is_left(events, at_view):
    async with at_view() as person:
        await person.press("question_mark")
        assert len(person.app.screen_stack) == 2
        await person.press("escape")
        assert len(person.app.screen_stack) == 1
        await person.press("enter")
        assert person.app.focused.id == "event"
        await person.press("escape")
        assert person.app.focused.id == "list"
        await person.press("q")
        assert not person.app.is_running or person.app._exit


async def test_an_empty_store_is_no_trouble(seed, at_view):
    async with at_view((40, 12)) as person:
        await person.press("j", "r", "R", "c", "y", "m", "d", "e", "G")
        assert "0 events" in person.text("status")


async def test_history_is_paged(seed, at_view, monkeypatch):
    monkeypatch.setattr("hookagent.cli.tui_app.PAGE", 5)
    await asyncio.to_thread(seed.events, *[order(n) for n in range(12)])
    async with at_view() as person:
        assert len(person.rows) == 5
        await person.press("G")
        assert len(person.rows) == 10
        await person.press("G")
        assert len(person.rows) == 12


# Around it.


def test_without_a_terminal_there_is_the_list(seed, run, events):
    code, out, err = run("inspect", "--tui")
    bare = run("inspect")

    assert code == 0
    assert events[0] in out
    assert "this is no terminal" in err
    assert bare[:2] == (0, out)
    assert bare[2] == ""


@pytest.mark.parametrize(
    ("environ", "word"),
    [({"TERM": "dumb"}, "lines only"), ({}, "lines only"), ({"TERM": "xterm", "CI": "1"}, "program"),
     ({"TERM": "xterm", "CLAUDECODE": "1"}, "program"), ({"TERM": "xterm"}, "")],
)  # fmt: skip
def test_an_obstacle_is_named(monkeypatch, environ, word):
    class Tty:
        def isatty(self):
            return True

    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, Tty())

    assert word in tui.obstacle(environ)
    assert bool(word) is bool(tui.obstacle(environ))


def test_without_textual_the_extra_is_named(monkeypatch):
    class Tty:
        def isatty(self):
            return True

    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, Tty())
    monkeypatch.setattr("hookagent.cli.tui.find_spec", lambda name: None)

    assert "hookagent[tui]" in tui.obstacle({"TERM": "xterm"})


def test_a_filter_is_read_in_words():
    found = read_filter("type:a.* big words source:shop", EventFilter(limit=7))

    assert (found.type, found.source, found.text, found.limit) == ("a.*", "shop", "big words", 7)
    assert read_filter("verdict:none", EventFilter()).verdict == "none"
    for wrong in ("type: x: y", "verdict:refused", "verdict:nonsense"):
        with pytest.raises(UsageError):
            read_filter(wrong, EventFilter())


def test_every_key_is_on_the_sheet():
    lines = str(help_text()).splitlines()

    text = " ".join(" ".join(lines).split())
    assert all(f"{keys} {about}" in text for keys, about in KEYS)
    assert max(map(len, lines)) <= 72  # as wide as the sheet
    assert harmful(str(styled([(EVIL,)]))) == []
