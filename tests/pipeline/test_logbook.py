"""The log: one safe line for each thing, levels by part, files of bounded size, no secrets."""

import asyncio
import json
import stat
from dataclasses import replace
from types import MappingProxyType

import pytest

from hookagent.config.watching import Log
from hookagent.pipeline.feed import Delivered, Feed, Matched, Ran, Ready, Rules, Trouble, Tunnel
from hookagent.pipeline.logbook import Logbook, LogFile
from hookagent.pipeline.logline import LineMaker, standing_of
from hookagent.redact import Redactor
from tests.pipeline.conftest import NOW
from tests.whole.served import SECRET

ACCEPTED = Delivered(
    at=NOW, outcome="accepted", status=200, source="shop", id="evt_1", type="order.new"
)
DEAD = Ran(
    at=NOW,
    id="evt_1",
    run="run_1",
    rule="label",
    state="dead",
    ms=5,
    error=f"token {SECRET} refused\x1b[2J\x9b\u202e https://user:pw@host.test/?key=abc",
)


def line(happening, **log):
    return LineMaker(Log(**log), Redactor([SECRET])).line(happening)


def test_a_line_says_when_how_bad_what_and_about_which_event():
    found = json.loads(line(ACCEPTED))

    assert list(found)[:4] == ["time", "level", "part", "event"]
    assert found["time"] == "2027-01-15T08:00:00.000Z"
    assert (found["level"], found["part"], found["event"], found["id"]) == (
        "info",
        "delivery",
        "delivered",
        "evt_1",
    )


@pytest.mark.parametrize("kind", ["json", "text"])
def test_neither_secrets_nor_what_steers_a_terminal_come_into_a_line(kind):
    written = line(DEAD, format=kind)

    assert written.endswith(b"\n")
    assert written.isascii()
    assert not any(byte < 32 or byte == 127 for byte in written[:-1])
    for secret in (SECRET, "pw@", "key=abc"):
        assert secret.encode() not in written
    assert b"run_1" in written
    assert b"evt_1" in written


def test_the_inspectors_token_stays_out():
    ready = Ready(at=NOW, listener="http://l", inspector="http://i/?token=abcdefgh")

    assert b"abcdefgh" not in line(ready)


def test_the_text_form_leaves_out_what_is_empty():
    assert line(ACCEPTED, format="text").decode() == (
        "2027-01-15T08:00:00.000Z INFO    delivery delivered outcome=accepted status=200"
        " source=shop id=evt_1 type=order.new origin=live size=0 ms=0.0\n"
    )


def test_an_alert_is_of_the_part_watch_and_says_what_it_is_about():
    alert = Trouble(at=NOW, part="watch run.dead call", message="a run is dead")
    found = json.loads(line(alert))
    assert (found["part"], found["about"]) == ("watch", "watch run.dead call")


def test_each_part_has_a_level_of_its_own():
    levels = MappingProxyType({"delivery": "off", "rules": "debug"})

    assert line(ACCEPTED, levels=levels) is None
    assert line(Matched(at=NOW, id="e", rules=[], runs=[])) is None
    assert line(Matched(at=NOW, id="e", rules=[], runs=[]), levels=levels) is not None
    assert line(DEAD, level="error") is not None
    assert line(ACCEPTED, level="warning") is None


@pytest.mark.parametrize(("happening", "standing"), [
    (Rules(at=NOW, loaded=1, problems=["x"]), ("rules", "error")),
    (Tunnel(at=NOW, state="down"), ("tunnel", "warning")),
    (Tunnel(at=NOW, state="up"), ("tunnel", "info")),
    (Trouble(at=NOW, part="watch disk.low disk", message="m"), ("watch", "warning")),
    (Trouble(at=NOW, part="store", message="m"), ("agent", "warning")),
    (DEAD, ("run", "error")),
])  # fmt: skip
def test_how_bad_a_thing_is(happening, standing):
    assert standing_of(happening) == standing


def test_a_full_file_is_set_aside_and_the_oldest_goes(tmp_path):
    file = LogFile(tmp_path / "log" / "a.log", max_bytes=100, kept=2)
    for number in range(9):
        file.write([b"%d" % number * 39 + b"\n"])

    found = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert found == ["a.log", "a.log.1", "a.log.2"]
    assert (tmp_path / "log" / "a.log").read_bytes() == b"8" * 39 + b"\n"
    assert (tmp_path / "log" / "a.log.1").read_bytes().startswith(b"666")
    assert stat.S_IMODE((tmp_path / "log" / "a.log").stat().st_mode) == 0o600


async def test_what_happened_before_the_end_is_written(config):
    feed = Feed()
    logbook = Logbook(config, feed, lambda: NOW)
    task = asyncio.get_running_loop().create_task(logbook.run())
    await asyncio.sleep(0)
    feed.publish(ACCEPTED)
    feed.publish(DEAD)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    written = (config.state_folder / "log" / "hookagent.log").read_text()
    assert [json.loads(one)["event"] for one in written.splitlines()] == ["delivered", "ran"]
    assert SECRET not in written


async def test_a_log_that_cannot_be_written_is_said_once(config, tmp_path):
    (tmp_path / "file").write_text("")
    feed = Feed()
    heard = feed.subscribe()
    logbook = Logbook(replace(config, state_folder=tmp_path / "file"), feed, lambda: NOW)
    for _ in range(3):
        await logbook._write([ACCEPTED])

    [trouble] = heard._queue
    assert isinstance(trouble, Trouble)
    assert trouble.part == "log"
