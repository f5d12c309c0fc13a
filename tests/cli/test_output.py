"""The one writer: what it lets through, where colours are, how a reader may leave."""

import io
import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.cli import output
from hookagent.cli.output import Ink
from hookagent.errors import AnswerNo, ConfigError, Problem, Severity

HOSTILE = "\x1b[2J\x1b]8;;http://x\x07\x9b31m\x00\x7f\r\u202e\ud800\u2028\U000e0001"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Call it to make both streams a terminal of 80 columns that knows colours."""

    def become() -> tuple[Terminal, Terminal]:
        out, err = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.delenv("NO_COLOR", raising=False)
        return out, err

    return become


@given(st.text())
def test_nothing_that_steers_a_terminal_gets_through(text):
    shown = output.safe(text + HOSTILE)

    bad = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not [c for c in shown if c not in "\n\t" and unicodedata.category(c) in bad]
    assert "\n" not in output.safe_line(text)
    shown.encode()


def test_what_is_hidden_is_still_told():
    assert output.safe("a\x1b[2J\r\u202eé✓\n\t") == "a\\x1b[2J\\x0d\\u202eé✓\n\t"
    assert output.safe("\U000e0001") == "\\U000e0001"
    assert output.safe_line("a\nb\tc") == "a\\nb\\tc"


def test_a_long_text_is_cut_and_says_so():
    assert output.safe("abcdef", most=4) == "abc…"
    assert output.safe("abcd", most=4) == "abcd"


def test_every_writer_is_safe(terminal):
    out, err = terminal()

    output.data(HOSTILE, Ink(HOSTILE, "red"))
    output.talk(HOSTILE)
    output.json_line({HOSTILE.replace("\ud800", ""): HOSTILE})
    output.json_document([HOSTILE])
    output.table(("a", "b"), [(HOSTILE, HOSTILE)])
    output.fail(AnswerNo(HOSTILE, hint=HOSTILE))
    output.warn(HOSTILE)
    with output.Progress(HOSTILE) as progress:
        progress.step()

    left = re.sub(r"\x1b\[[0-9;]*m|\r\x1b\[K|\r(?=\S)", "", out.getvalue() + err.getvalue())
    assert not [c for c in left if c != "\n" and unicodedata.category(c) == "Cc"]


def test_colour_is_for_terminals_without_no_color(terminal, monkeypatch):
    out, _ = terminal()

    output.data(Ink("x", "red"))
    monkeypatch.setenv("NO_COLOR", "1")
    output.data(Ink("x", "red"))
    monkeypatch.setenv("NO_COLOR", "")
    output.data(Ink("x", "green"))
    monkeypatch.setenv("TERM", "dumb")
    output.data(Ink("x", "red"))

    assert out.getvalue() == "\x1b[31mx\x1b[0m\nx\n\x1b[32mx\x1b[0m\nx\n"


def test_a_pipe_has_no_colour(capsys):
    output.data(Ink("x", "red"), " y")

    assert capsys.readouterr().out == "x y\n"


def test_a_table_has_columns_on_a_terminal(terminal):
    out, _ = terminal()

    output.table(("name", "what"), [("a", "one"), ("bcdef", "two")])

    assert out.getvalue() == "\x1b[2mname   what\x1b[0m\na      one\nbcdef  two\n"


def test_a_table_is_blocks_where_there_is_no_room(terminal, monkeypatch):
    out, _ = terminal()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")

    output.table(("name", "what"), [("a", "x" * 50), ("b", "")])

    assert out.getvalue() == f"a\n  what: {'x' * 50}\nb\n"


def test_a_table_gives_way_in_the_columns_that_may_be_cut(terminal, monkeypatch):
    out, _ = terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    rows = [("a", "x" * 30, "1"), ("b", "", "2")]

    for columns in (40, 20, 10):
        monkeypatch.setenv("COLUMNS", str(columns))
        output.table(
            ("name", "what", "n"), rows, shrink=("what",), narrow=lambda row: [(row[0], row[2])]
        )

    assert out.getvalue().splitlines() == [
        f"name  what{' ' * 26}  n",
        f"a     {'x' * 30}  1",
        f"b     {' ' * 30}  2",
        "name  what         n",
        "a     xxxxxxxxxx…  1",
        "b                  2",
        "a1",
        "b2",
    ]


def test_a_table_is_tab_separated_in_a_pipe(capsys):
    output.table(("name", "what"), [("a", "b\tc\nd")])

    assert capsys.readouterr().out == "a\tb\\tc\\nd\n"


def test_json_is_ascii_on_one_line(capsys):
    output.json_line({"a": ["é\x7f\x9b", 1]})

    assert capsys.readouterr().out == '{"a":["\\u00e9\\u007f\\u009b",1]}\n'


def test_an_error_says_what_and_what_to_do_on_stderr(capsys):
    output.fail(AnswerNo("no match", hint="look closer"))

    found = capsys.readouterr()
    assert found.out == ""
    assert found.err == "hookagent: error: no match\nhint: look closer\n"


def test_every_problem_of_a_file_is_said_in_its_order(capsys):
    later = Problem(code="b", message="second", file="f", line=2, column=1, hint="h")
    first = Problem(
        code="a", message="first", file="f", line=1, column=9, severity=Severity.WARNING
    )

    output.fail(ConfigError([later, first]))

    assert capsys.readouterr().err == (
        "hookagent: warning: f:1:9: first\nhookagent: error: f:2:1: second\nhint: h\n"
    )


def test_progress_is_silent_without_a_terminal(capsys):
    with output.Progress("reading", 3) as progress:
        progress.step()

    assert capsys.readouterr() == ("", "")


def test_progress_counts_on_a_terminal_and_leaves_nothing(terminal):
    _, err = terminal()

    with output.Progress("reading", 3) as progress:
        progress.step(2)

    assert err.getvalue() == "\r\x1b[Kreading 2/3  [#############-------]\r\x1b[K"


def test_progress_says_its_rate_and_the_time_left(terminal):
    terminal()
    now = [0.0]
    progress = output.Progress("sent", 1_000, clock=lambda: now[0])
    progress.step(100)

    said = [progress.line(at) for at in (0.5, 2.0, 25.0)]
    progress.step(900)

    assert said == [
        "sent 100/1000  [##------------------]",
        "sent 100/1000  [##------------------]  50/s  18 s left",
        "sent 100/1000  [##------------------]  4.0/s  3 m 45 s left",
    ]
    assert progress.line(4.0) == "sent 1000/1000  [####################]  250/s"


def test_progress_counts_what_is_gone_through(terminal):
    _, err = terminal()
    progress = output.Progress("read")
    progress.expect(2)

    assert list(progress.over("ab")) == ["a", "b"]
    assert progress.count == 2
    assert err.getvalue().endswith("\r\x1b[K")


def test_progress_is_not_written_for_each_step(terminal):
    _, err = terminal()
    now = [0.0]

    with output.Progress("sent", clock=lambda: now[0]) as progress:
        for _ in range(100):
            now[0] += 0.01
            progress.step()

    assert 9 <= err.getvalue().count("sent ") <= 11


def test_bytes_go_out_as_they_are(capfdbinary):
    output.raw(b"\xff\x00\x1b")

    assert capfdbinary.readouterr().out == b"\xff\x00\x1b"


def test_a_mark_is_a_word_where_there_is_no_sign(terminal, monkeypatch):
    terminal()
    assert output.mark(good=True) == "✓"
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    assert output.mark(good=False) == "FAIL"


def run(code: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environ, check=False
    )


def test_ascii_streams_take_every_character():
    code = (
        "from hookagent.cli import output; output.prepare();output.data('✓ é →'); output.talk('ü')"
    )

    done = run(code, PYTHONIOENCODING="ascii", LC_ALL="C")

    assert done.returncode == 0
    assert done.stdout == b"ok \\xe9 ->\n"
    assert done.stderr == b"\\xfc\n"


def test_a_reader_that_leaves_ends_the_command_quietly():
    program = (
        "import sys; sys.argv = ['hookagent'];"
        "from hookagent.cli import output, main;"
        "import typer;"
        "main._show_version = lambda _: None;"
        "main.get_command = lambda _: type('C', (), {'main': lambda *a, **k:"
        " [output.data('x' * 1000) for _ in range(10_000)]})();"
        "sys.exit(main.main([]))"
    )
    pipeline = f'{sys.executable} -c "$0" | head -c 1; echo " ${{PIPESTATUS[0]}}"'

    done = subprocess.run(
        ["bash", "-c", pipeline, program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "x 0\n"
    assert done.stderr == ""
