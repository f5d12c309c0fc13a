"""What commands write at several widths, in a pipe and in odd surroundings, letter by letter.

`pytest --snapshot-update` writes the expected texts anew; the difference is for a reader to judge.
"""

import io
import re
import sys

import pytest

from hookagent.cli import showing
from hookagent.cli.main import main
from hookagent.job import RunState
from tests.cli.workbench import EVIL, NOW

WIDTHS = (40, 80, 120, 200)
NAMES = ("list", "one", "diff", "refused")


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    import time

    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def history(seed):
    """Fill the store: what is dead, done, a duplicate, hostile, of a long type, and refused."""
    order = {"id": "o-1", "type": "order.paid", "amount": 100, "note": "caffè → 1"}
    first, second = seed.events(order, {"id": "o-2", "type": "invoice.payment_failed.finally"})
    seed.events(order)
    seed.runs(first, RunState.DEAD, reason="the target said 500")
    seed.events({"id": "o-3", "type": EVIL})
    seed.refusals({"id": "o-4"})
    return {"list": [], "one": [first], "diff": [first, second], "refused": ["--rejected"]}


@pytest.fixture
def written(monkeypatch, history):
    """Return a function that runs a command and returns what it wrote, stderr after stdout."""
    monkeypatch.setattr(showing, "clock", lambda: NOW)
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "LC_ALL", "CLAUDECODE"):
        monkeypatch.delenv(name, raising=False)

    def write(name, *, is_terminal=True, width=80, encoding="utf-8", **environ):
        streams = [
            (Terminal if is_terminal else io.TextIOWrapper)(io.BytesIO(), encoding=encoding)
            for _ in range(2)
        ]
        with monkeypatch.context() as patched:
            for key, value in {"TERM": "xterm", "COLUMNS": str(width), **environ}.items():
                patched.setenv(key, value)
            patched.setattr(sys, "stdout", streams[0])
            patched.setattr(sys, "stderr", streams[1])
            main(["inspect", "--no-tui", *history[name]])
            for stream in streams:
                stream.flush()
        texts = [stream.buffer.getvalue().decode(encoding) for stream in streams]  # type: ignore[attr-defined]  # BytesIO
        for stream in streams:
            stream.close()
        return "".join(texts)

    return write


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_on_a_terminal(written, snapshot, name, width):
    assert written(name, width=width).replace("\x1b", "␛") == snapshot


@pytest.mark.parametrize("name", NAMES)
def test_in_a_pipe(written, snapshot, name):
    assert written(name, is_terminal=False) == snapshot


@pytest.mark.parametrize("name", NAMES)
def test_odd_surroundings_change_colours_at_most(written, name):
    usual = written(name)

    for environ in ({"LC_ALL": "C"}, {"CI": "true"}, {"CLAUDECODE": "1"}):
        assert written(name, **environ) == usual
    assert written(name, NO_COLOR="1") == re.sub(r"\x1b\[\d+m", "", usual)
    piped = written(name, is_terminal=False)
    assert "\x1b" not in piped
    assert written(name, TERM="dumb") == piped
    assert written(name, is_terminal=False, FORCE_COLOR="1") == piped


def test_an_ascii_terminal_gets_plain_signs(written):
    text = written("diff", encoding="ascii", NO_COLOR="1")

    assert "amount: 100 -> -\n" in text
    assert "caff\\xe8 -> 1" in text
