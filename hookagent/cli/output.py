"""The only place that writes. stdout is data, stderr is talk, and nothing else is said anywhere.

- A line is made of parts: plain `str`, or `Ink` where it may have a colour. Every part passes
  through `safe`, so no byte of a payload can steer the terminal (SECURITY V1).
- Colour only on a terminal and where `NO_COLOR` is empty; nothing is told by colour alone.
- stdout is flushed before stderr is written, so that the two keep their order on a terminal.
- A reader that goes away (`| head`) ends the command quietly.
"""

import codecs
import json
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TextIO, TypeVar

from hookagent.errors import ConfigError, HookagentError, Problem, Severity

PROGRAM = "hookagent"
T = TypeVar("T")


class Ink(NamedTuple):
    """A part of a line with a colour, which is left out where it does not belong."""

    text: str
    colour: str
    """A key of `COLOURS`."""


Part = str | Ink

COLOURS = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34",
    "magenta": "35", "cyan": "36",
}  # fmt: skip

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_KEPT = frozenset("\n\t")
NARROW = 60
"""Columns under which nothing stands beside something else."""
SHRUNK_MIN = 8
"""Characters that a column of a table keeps when it is cut."""


def safe(text: str, *, most: int | None = None) -> str:
    r"""Make a stranger's text harmless to a terminal: controls become `\xNN` or `\uNNNN`.

    `most` cuts the text after that many characters and says so with `…`.
    """
    if most is not None and len(text) > most:
        text = text[: max(most - 1, 0)] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def safe_line(text: str, *, most: int | None = None) -> str:
    """As `safe`, for one line: line ends and tabs are shown as well."""
    return safe(text, most=most).replace("\n", "\\n").replace("\t", "\\t")


def _shown(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in _UNSAFE:
        return character
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004 - the last code point of two hex digits
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - and of four


PLAINLY = "hookagent.plainly"
"""The name of `_plainly` among the handlers of encoding errors."""
_PLAIN = {"→": "->", "…": "...", "·": "-", "✓": "ok", "✗": "FAIL"}


def _plainly(error: UnicodeError) -> tuple[str, int]:
    r"""Write our own signs in ASCII, and everything else as `\xNN`, `\uNNNN`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if sign in _PLAIN:
        return _PLAIN[sign], error.start + 1
    return sign.encode("ascii", "backslashreplace").decode(), error.start + 1


codecs.register_error(PLAINLY, _plainly)


def prepare() -> None:
    """Make both streams unable to fail: on a character their encoding lacks, or by being closed."""
    if sys.stdout is None:  # `>&-`; opened at once, so that no other file gets its number
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - while we run
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - while we run
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=PLAINLY)


def data(*parts: Part) -> None:
    """Write one line of data to stdout."""
    _write(sys.stdout, _line(parts, sys.stdout))


def talk(*parts: Part) -> None:
    """Write one line of talk to stderr."""
    flush()
    _write(sys.stderr, _line(parts, sys.stderr))


def json_line(value: Any) -> None:
    """Write one JSON value as one line of data, in ASCII, so that it is safe everywhere."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)
    _write(sys.stdout, text.replace("\x7f", "\\u007f") + "\n")
    flush()


def json_document(value: Any) -> None:
    """Write one JSON value for a person's eyes as well, indented."""
    text = json.dumps(value, ensure_ascii=True, indent=2, default=str)
    _write(sys.stdout, text.replace("\x7f", "\\u007f") + "\n")


def clear() -> None:
    """Begin a fresh screen on a terminal; elsewhere, an empty line."""
    _write(sys.stdout, "\x1b[H\x1b[2J" if is_terminal() else "\n")


def raw(content: bytes) -> None:
    """Write bytes as they are to stdout. Never to a terminal: the caller asks `is_terminal`."""
    flush()
    buffer = getattr(sys.stdout, "buffer", None)
    try:
        if buffer is None:
            sys.stdout.write(content.decode("utf-8", "backslashreplace"))
        else:
            buffer.write(content)
            buffer.flush()
    except BrokenPipeError:
        _reader_left()


def warn(message: str, *, hint: str | None = None) -> None:
    """Say a warning on stderr."""
    _say("warning", "yellow", message, hint)


def fail(error: HookagentError) -> None:
    """Say an error on stderr: every problem of a file, or the message, and what to do."""
    if isinstance(error, ConfigError):
        problems(error.problems)
        return
    _say("error", "red", error.message, error.hint)


def problems(found: Iterable[Problem]) -> None:
    """Say every problem on stderr, in the order of the file."""
    for problem in sorted(found, key=lambda one: (one.file or "", one.line or 0, one.column or 0)):
        place = f"{problem.place}: " if problem.place else ""
        colour = "red" if problem.severity is Severity.ERROR else "yellow"
        _say(str(problem.severity), colour, f"{place}{problem.message}", problem.hint)


def _say(kind: str, colour: str, message: str, hint: str | None) -> None:
    talk(f"{PROGRAM}: ", Ink(f"{kind}:", colour), f" {message}")
    if hint:
        talk(Ink("hint:", "cyan"), f" {hint}")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    shrink: Sequence[str] = (),
    narrow: Callable[[Sequence[str]], Iterable[Sequence[Part]]] | None = None,
) -> None:
    """Write rows as columns; tab-separated without a terminal.

    Where there is no room, the columns of `shrink` are cut, and if that is not enough each row is
    written as the lines that `narrow` makes of it: a block with a line for each cell if left out.
    """
    cells = [[safe_line(str(cell)) for cell in row] for row in rows]
    if not is_terminal():
        for row in cells:
            data("\t".join(row))
        return
    widths = [
        max([len(column), *(len(row[place]) for row in cells)])
        for place, column in enumerate(columns)
    ]
    if not _fitted(columns, widths, shrink):
        for row in cells:
            for line in (narrow or _block(columns))(row):
                data(*line)
        return
    data(Ink(_padded(columns, widths), "dim"))
    for row in cells:
        cut = [safe(cell, most=size) for cell, size in zip(row, widths, strict=True)]
        data(_padded(cut, widths))


def _fitted(columns: Sequence[str], widths: list[int], shrink: Sequence[str]) -> bool:
    """Make widths fit the terminal; False where they cannot."""
    over = sum(widths) + 2 * (len(widths) - 1) - width()
    for name in shrink if over > 0 else ():
        place = columns.index(name)
        cut = min(over, max(widths[place] - SHRUNK_MIN, 0))
        widths[place] -= cut
        over -= cut
    return over <= 0


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True)).rstrip()


def _block(columns: Sequence[str]) -> Callable[[Sequence[str]], Iterable[Sequence[Part]]]:
    """Return what makes several lines of a row, which reads well at any width."""

    def lines(row: Sequence[str]) -> Iterable[Sequence[Part]]:
        yield (Ink(row[0], "bold"),)
        for column, cell in zip(columns[1:], row[1:], strict=True):
            if cell:
                yield (Ink(f"  {column}: " if column else "  ", "dim"), cell)

    return lines


def is_terminal(stream: TextIO | None = None) -> bool:
    """Whether a stream (stdout unless told) is a terminal that understands lines."""
    asked = sys.stdout if stream is None else stream
    return asked.isatty() and os.environ.get("TERM") != "dumb"


def can_ask() -> bool:
    """Whether there is a person to ask: both ends are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and is_terminal(sys.stderr)


def width() -> int:
    """How many columns there are; 80 where nobody knows."""
    return shutil.get_terminal_size().columns


def mark(*, good: bool) -> str:
    """Return a tick or a cross, or words where the encoding has neither."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    if "utf" in encoding:
        return "✓" if good else "✗"
    return "ok" if good else "FAIL"


class Progress:
    """Counts on stderr while something long runs, with its rate and the time left.

    Silent without a terminal. The line is written at most ten times a second.
    """

    def __init__(
        self,
        what: str,
        total: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what = what
        self.total = total
        self.count = 0
        self._clock = clock
        self._started = clock()
        self._written = float("-inf")
        self._shown = is_terminal(sys.stderr)
        self._is_there = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line away, for another to be written."""
        if self._is_there:
            _write(sys.stderr, "\r\x1b[K")
            self._is_there = False

    def expect(self, total: int) -> None:
        """Take note of how many there are to be, once that is known."""
        self.total = total

    def over(self, things: Iterable[T]) -> Iterator[T]:
        """Yield things, each counted when the next is asked for; then take the line away."""
        for thing in things:
            yield thing
            self.step()
        self.clear()

    def step(self, by: int = 1) -> None:
        """Count on."""
        self.count += by
        now = self._clock()
        if self._shown and now - self._written >= PROGRESS_S:
            self._written = now
            self._is_there = True
            _write(sys.stderr, f"\r\x1b[K{safe_line(self.line(now), most=width() - 1)}")

    def line(self, now: float) -> str:
        """Return what there is to say at a moment of the clock."""
        of = f"/{self.total}" if self.total else ""
        said = f"{self.what} {self.count}{of}"
        if self.total:
            done = min(self.count * BAR // self.total, BAR)
            said += f"  [{'#' * done}{'-' * (BAR - done)}]"
        seconds = now - self._started
        if seconds < 1 or not self.count:
            return said
        rate = self.count / seconds
        said += f"  {rate:.0f}/s" if rate >= 10 else f"  {rate:.1f}/s"  # noqa: PLR2004 - two digits are enough
        if self.total and self.total > self.count:
            left = round((self.total - self.count) / rate)
            minutes, rest = divmod(left, 60)
            said += f"  {minutes} m {rest} s left" if minutes else f"  {rest} s left"
        return said


BAR = 20
"""Characters of a bar."""
PROGRESS_S = 0.1
"""How often the line of a `Progress` is written at most."""


def flush() -> None:
    """Send what stdout still holds; a reader that left is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _reader_left()


def _line(parts: Sequence[Part], stream: TextIO) -> str:
    coloured = is_terminal(stream) and not os.environ.get("NO_COLOR")
    return "".join(_painted(part, coloured=coloured) for part in parts) + "\n"


def _painted(part: Part, *, coloured: bool) -> str:
    if isinstance(part, str):
        return safe(part)
    text = safe(part.text)
    return f"\x1b[{COLOURS[part.colour]}m{text}\x1b[0m" if coloured and text else text


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        if stream is sys.stderr or stream.isatty():
            stream.flush()
    except BrokenPipeError:
        _reader_left()


def _reader_left() -> None:
    """End quietly: whoever read us has what it wanted."""
    give_up()
    raise SystemExit(0)


def give_up() -> None:
    """Let what stdout still holds go nowhere, and all that follows: it cannot be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
