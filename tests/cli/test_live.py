"""`serve`'s lines: the same session at several widths and modes; nothing steers the terminal."""

import io
import os
import re
import sys

import pytest

from hookagent.actions.agents.approval import ASKED
from hookagent.cli import output
from hookagent.cli.live import HELD_MAX, HELD_MS, Live, duration
from hookagent.pipeline.feed import (
    Delivered,
    Logged,
    Matched,
    Ran,
    Ready,
    Rules,
    Stopped,
    Stopping,
    Trouble,
    Tunnel,
)
from tests.cli.workbench import EVIL, harmful

AT = 1_790_000_000_000
"""14:13:20 UTC."""


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def delivered(number, **fields):
    given = {
        "at": AT + number * 1000, "outcome": "accepted", "status": 200, "source": "shop",
        "id": f"evt_{number}", "type": "order.paid",
    } | fields  # fmt: skip
    return Delivered(**given)


def ran(number, **fields):
    given = {
        "at": AT + number * 1000 + 45,
        "id": f"evt_{number}",
        "run": f"run_{number}",
        "rule": "note",
        "state": "done",
        "ms": 45,
    } | fields
    return Ran(**given)


SESSION = [
    Ready(at=AT, listener="http://127.0.0.1:8787", inspector="http://127.0.0.1:8788/?token=t",
          sources={"shop": "http://127.0.0.1:8787/hooks/shop", "payments": "http://127.0.0.1:8787/hooks/pay"}),
    Rules(at=AT, loaded=2),
    delivered(1),
    Matched(at=AT + 1000, id="evt_1", rules=["note"], runs=["run_1"]),
    ran(1),
    delivered(2, source="payments", type="invoice.payment_failed"),
    Matched(at=AT + 2000, id="evt_2", rules=[], runs=[]),
    delivered(3, outcome="duplicate", id="evt_1"),
    delivered(4, outcome="rejected", status=403, id="rej_4", type="", code="wrong-signature", detail="no secret fits"),
    delivered(5, origin="replay"),
    Matched(at=AT + 5000, id="evt_5", rules=["note"], runs=["run_5"]),
    ran(5, state="waiting", due_at=AT + 8045, error="503 from the target"),
    ran(5, at=AT + 9000, state="dead", error="gave up after 2 attempts"),
    Trouble(at=AT + 9500, part="store", message="the disk is full", hint="free some space"),
    Trouble(at=AT + 9600, part="store", message="the disk is full", hint="free some space"),
    Rules(at=AT + 9700, loaded=2, problems=["rules/a.toml:5:1: unknown operator `gtee`"], kept=True),
    Tunnel(at=AT + 9800, state="up", url="https://x.example.test", sources={"shop": "https://x.example.test/hooks/shop"}),
    Logged(at=AT + 9900, line="hello"),
    Stopping(at=AT + 9950, running=1, grace_ms=10_000),
    Stopped(at=AT + 9990, left=0),
]  # fmt: skip


def say(width, mode="interactive", session=SESSION):
    live = Live(width=width, mode=mode)
    lines = [line for happening in session for line in live.lines(happening)]
    lines += list(live.flush())
    return [
        "".join(part if isinstance(part, str) else part.text for part in line).rstrip()
        for line in lines
    ]


WIDE = """\
ready  listening on http://127.0.0.1:8787
       inspector  http://127.0.0.1:8788/?token=t
       shop      http://127.0.0.1:8787/hooks/shop
       payments  http://127.0.0.1:8787/hooks/pay
       try it: hookagent sign --source shop --send
14:13:20  rules  2 loaded
14:13:21  200  shop      order.paid  evt_1  → note ✓ 45 ms
14:13:22  200  payments  invoice.payment_failed  evt_2  no rule
14:13:23  200  shop      order.paid              evt_1  duplicate
14:13:24  403  shop                              rej_4  refused, wrong-signature: no secret fits
          why: hookagent verify rej_4
14:13:25  200  shop      order.paid              evt_5 (replay)  → note again in 3.0 s: 503 from the target
14:13:29  evt_5  → note ✗ dead: gave up after 2 attempts
          see: hookagent inspect evt_5   again: hookagent retry run_5
14:13:29  trouble  the disk is full
          hint: free some space
14:13:29  rules  the edit is broken, the last good 2 stay in use
          rules/a.toml:5:1: unknown operator `gtee`
14:13:29  tunnel up  https://x.example.test
          shop  https://x.example.test/hooks/shop
14:13:29  log  hello
stopping: 1 run to finish within 10 s; Ctrl-C again ends it now
stopped; nothing is left"""

MIDDLE = """\
14:13:21  200  shop  order.paid  evt_1  → note ✓ 45 ms
14:13:22  200  payments  invoice.payment_failed  evt_2  no rule
14:13:23  200  shop  order.paid  evt_1  duplicate
14:13:24  403  shop  rej_4  refused, wrong-signature: no secret fits
          why: hookagent verify rej_4
14:13:25  200  shop  order.paid  evt_5 (replay)  → note again in 3.0 s: 503 from the target"""

NARROW = """\
14:13:21  200  shop  order.paid
          evt_1  → note ✓ 45 ms
14:13:22  200  payments  invoice.payment_failed
          evt_2  no rule
14:13:23  200  shop  order.paid
          evt_1  duplicate
14:13:24  403  shop
          rej_4  refused, wrong-signature: no secret fits
          why: hookagent verify rej_4
14:13:25  200  shop  order.paid
          evt_5 (replay)  → note again in 3.0 s: 503 from the target"""

QUIET = """\
14:13:29  evt_5  → note ✗ dead: gave up after 2 attempts
          see: hookagent inspect evt_5   again: hookagent retry run_5
14:13:29  trouble  the disk is full
          hint: free some space
14:13:29  rules  the edit is broken, the last good 2 stay in use
          rules/a.toml:5:1: unknown operator `gtee`"""


@pytest.mark.parametrize("width", [120, 200])
def test_a_session_on_a_wide_terminal_has_columns(width):
    assert "\n".join(say(width)) == WIDE


def test_at_80_columns_events_take_one_line_without_padding():
    assert "\n".join(say(80)[6:12]) == MIDDLE


def test_at_40_columns_they_take_two():
    assert "\n".join(say(40)[6:17]) == NARROW


def test_compact_leaves_out_what_to_try_first():
    assert say(120, "compact") == [line for line in say(120) if "try it" not in line]


def test_quiet_says_only_what_needs_a_person():
    assert "\n".join(say(120, "quiet")) == QUIET


def test_a_trouble_is_said_again_when_it_changes_or_lasts():
    def trouble(at, message):
        return Trouble(at=AT + at, part="store", message=message)

    said = say(
        80,
        session=[
            trouble(0, "a"),
            trouble(1, "a"),
            trouble(2, "b"),
            trouble(3, "a"),
            trouble(400_000, "a"),
        ],
    )

    assert [line.split()[-1] for line in said] == ["a", "b", "a", "a"]


def test_the_watch_over_dead_runs_does_not_repeat_what_was_just_said():
    def watch(at, rule="note", part="watch run.dead "):
        return Trouble(at=AT + at, part=part + rule, message="a run is dead")

    dead = ran(1, state="dead", error="no")
    session = [dead, watch(1_500), watch(1_500, "other"), watch(1_500, part=""), watch(400_000)]
    said = say(80, session=session)

    times = [line[:8] for line in said if "a run is dead" in line]
    assert times == ["14:13:21", "14:13:21", "14:20:00"]


def test_what_is_no_json_is_to_be_seen_and_not_verified():
    refused = delivered(1, outcome="rejected", status=400, code="bad-body", id="rej_1")

    assert say(80, session=[refused])[-1] == "          see: hookagent inspect rej_1"


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [(413, "too-large", "`max_body`"), (415, "content-encoding", "uncompressed")],
)
def test_what_is_turned_away_at_the_door_says_what_to_do(status, code, word):
    refused = delivered(1, outcome="rejected", status=status, code=code, id="", type="")

    said = say(80, session=[refused])

    assert said[-1].startswith("          mend: ")
    assert word in said[-1]


def test_a_person_who_is_asked_is_told_once_how_to_answer():
    asks = {"state": "waiting", "reason": ASKED, "due_at": AT + 60_000}
    session = [ran(1, **asks), ran(2, run="run_1", **asks), ran(3, run="run_1")]

    said = say(120, session=session)

    assert said == [
        "14:13:21  evt_1  → note waits: waiting for a person's approval",
        "          yes: hookagent approve run_1   no: hookagent approve run_1 --no",
        "14:13:23  evt_3  → note ✓ 45 ms",
    ]


def test_a_delay_is_no_second_try():
    said = say(120, session=[ran(1, state="waiting", due_at=AT + 61_045)])

    assert said == ["14:13:21  evt_1  → note waits: goes on in 1 m 0 s"]


def test_not_every_run_that_waits_is_remembered():
    waiting = [ran(1, run=f"run_{n}", state="waiting", reason="x") for n in range(HELD_MAX + 1)]

    assert len(say(120, session=[*waiting, waiting[-1], waiting[0]])) == HELD_MAX + 2


def test_a_store_that_works_again_is_said_once():
    session = [Trouble(at=AT, part="store", message="full"), delivered(1), delivered(2)]

    said = say(80, session=session)

    assert [line for line in said if "takes events again" in line] == [
        "14:13:21  store  takes events again"
    ]


def test_a_request_that_was_passed_on_in_vain_is_followed_by_what_to_run():
    said = say(
        80,
        session=[
            delivered(1),
            Matched(at=AT, id="evt_1", rules=["forward"], runs=["r"]),
            ran(1, run="r", rule="forward", state="failed", error="answered 500"),
        ],
    )

    assert said == [
        "14:13:21  200  shop  order.paid  evt_1  → forward ✗ failed: answered 500",
        "          see: hookagent inspect evt_1   again: hookagent replay evt_1",
    ]


def test_an_event_is_held_for_its_runs_but_not_for_ever():
    live = Live(width=80)
    assert list(live.lines(delivered(1))) == []
    assert list(live.lines(Matched(at=AT, id="evt_1", rules=["note"], runs=["run_1"]))) == []

    assert list(live.due(AT + 1000 + HELD_MS - 1)) == []
    (late,) = live.due(AT + 1000 + HELD_MS)
    after = list(live.lines(ran(1)))

    assert "… 1 running" in "".join(
        str(part.text if not isinstance(part, str) else part) for part in late
    )
    assert len(after) == 1


def test_what_a_dry_run_would_do_is_said():
    said = say(
        80,
        session=[
            delivered(1),
            Matched(at=AT, id="evt_1", rules=["note"], runs=["run_1"]),
            ran(1, dry=[{"action": "log", "text": EVIL}]),
        ],
    )

    assert said[1].startswith('          would: {"action":"log"')
    assert harmful("\n".join(said)) == []


def test_durations_are_said_as_people_do():
    assert [duration(ms) for ms in (0, 999, 3_240, 250_000, 7_500_000)] == [
        "0 ms", "999 ms", "3.2 s", "4 m 10 s", "2 h 5 m",
    ]  # fmt: skip


HOSTILE = [
    delivered(1, type=EVIL),
    delivered(2, outcome="rejected", status=403, code="wrong", detail=EVIL),
    Matched(at=AT, id="evt_1", rules=["note"], runs=["run_1"]),
    ran(1, state="dead", error=EVIL),
    Trouble(at=AT, part="x", message=EVIL, hint=EVIL),
    Rules(at=AT, loaded=1, problems=[EVIL], kept=True),
    Tunnel(at=AT, state="down", url=EVIL, detail=EVIL),
    Logged(at=AT, line=EVIL),
]


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def written(monkeypatch, session, *, is_terminal, encoding="utf-8", **environ):
    """Write a session to a stream and return its bytes as text."""
    for name in ("NO_COLOR", "TERM", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    stream = (Terminal if is_terminal else io.TextIOWrapper)(io.BytesIO(), encoding=encoding)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        output.prepare()
        live = Live(width=120, ticks=(output.mark(good=True), output.mark(good=False)))
        for happening in session:
            for line in live.lines(happening):
                output.data(*line)
        for line in live.flush():
            output.data(*line)
        stream.flush()
    found = stream.buffer.getvalue()  # type: ignore[attr-defined]  # a BytesIO
    stream.close()
    return found.decode(encoding)


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    coloured = written(monkeypatch, SESSION, is_terminal=True, TERM="xterm")
    plain = [
        written(monkeypatch, SESSION, is_terminal=True, TERM="xterm", NO_COLOR="1"),
        written(monkeypatch, SESSION, is_terminal=True, TERM="dumb"),
        written(monkeypatch, SESSION, is_terminal=False),
        written(monkeypatch, SESSION, is_terminal=False, CI="true", FORCE_COLOR="1"),
    ]

    assert "\x1b[32m200\x1b[0m" in coloured
    assert set(plain) == {plain[0]}
    assert "\x1b" not in plain[0]
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain[0]


def test_an_ascii_terminal_gets_words_for_signs(monkeypatch):
    text = written(monkeypatch, SESSION, is_terminal=False, encoding="ascii", LC_ALL="C")

    assert "note ok 45 ms" in text
    assert "note FAIL dead" in text
    assert "  -> note" in text


@pytest.mark.parametrize("is_terminal", [True, False])
def test_no_byte_of_a_payload_steers_the_terminal(monkeypatch, is_terminal):
    text = written(monkeypatch, HOSTILE, is_terminal=is_terminal, NO_COLOR="1")

    assert harmful(text) == []
    assert "\\x1b]0;owned\\x07" in text
    assert os.environ["NO_COLOR"] == "1"


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("body-signed", "evt_1  no rule"),
        ("origin-only", "evt_1 (origin-only)  no rule"),
        ("token", "evt_1 (token)  no rule"),
        ("none", "evt_1 (UNVERIFIED)  no rule"),
    ],
)
def test_what_a_check_did_not_cover_is_said(level, shown):
    matched = Matched(at=AT, id="evt_1", rules=[], runs=[])

    (line,) = say(80, session=[delivered(1, integrity=level), matched])

    assert line.endswith(shown)


def test_the_next_outage_is_told_although_it_reads_the_same():
    def silence(at, part="watch watch.silence meter"):
        return Trouble(at=at, part=part, message="`meter`: nothing came", hint="")

    told = say(
        100,
        session=[silence(AT), silence(AT + 60_000), silence(AT, "store"), silence(AT + 1, "store")],
    )

    assert len(told) == 3
