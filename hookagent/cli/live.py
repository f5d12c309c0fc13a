"""What `serve` says while it runs: one line per event, append-only, in words as well as signs.

    15:31:18  200  github  pull_request.opened  evt_018c…  → label-pr ✓ 45 ms

Under 72 columns an event takes two lines; from 100 on its columns stand under each other.

An event's line is held back until its rules are through, two seconds at most; what ends later gets
a line of its own. A failure is followed by the command that tells more. The class turns happenings
into lines and does nothing else, so that it is tested without a terminal.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from hookagent.actions.agents.approval import ASKED
from hookagent.cli.output import Ink, Part, safe_line
from hookagent.pipeline.feed import (
    Delivered,
    Happening,
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
from hookagent.pipeline.refusals import BAD_BODY

HELD_MS = 2_000
"""How long a line waits for its runs."""
HELD_MAX = 1_000
"""Events held at once; the oldest goes out first."""
TYPE_MAX = 60
DETAIL_MAX = 300

Line = tuple[Part, ...]


@dataclass(slots=True)
class _Held:
    """An accepted event whose runs are not through."""

    delivered: Delivered
    waiting: set[str] | None = None
    """Run ids; None until its rules were matched."""
    ended: list[Ran] = field(default_factory=list)


class Live:
    """Turns happenings into lines.

    `mode` is `interactive` (with what to try first), `compact` (nothing but lines that tell of
    something), or `quiet` (only what needs a person).
    """

    def __init__(
        self, *, width: int, ticks: tuple[str, str] = ("✓", "✗"), mode: str = "interactive"
    ) -> None:
        self._narrow = width < NARROW
        self._wide = width >= WIDE
        self._mode = mode
        self._good, self._bad = ticks
        self._held: dict[str, _Held] = {}
        self._source_width = 0
        self._type_width = 0
        self._troubles: dict[str, tuple[str, int]] = {}
        self._waits: dict[str, str] = {}
        """What runs were said to wait for."""
        self._died: dict[str, int] = {}
        """When a run of a rule was last said to be dead."""

    def lines(self, happening: Happening) -> Iterator[Line]:
        """Yield the lines one happening gives now."""
        if self._mode == "quiet" and not needs_a_person(happening):
            return
        match happening:
            case Delivered():
                yield from self._delivered(happening)
            case Matched():
                yield from self._matched(happening)
            case Ran():
                yield from self._ran(happening)
            case Trouble():
                yield from self._trouble(happening)
            case Ready():
                self._source_width = max(map(len, happening.sources), default=0)
                yield from _ready(happening, is_interactive=self._mode == "interactive")
            case _:
                yield from _of_the_agent(happening)

    def due(self, now: int) -> Iterator[Line]:
        """Yield the lines of events held for too long. `now` is Unix milliseconds."""
        late = [
            key for key, held in self._held.items() if held.delivered.at + HELD_MS <= now
        ] or list(self._held)[: max(len(self._held) - HELD_MAX, 0)]
        for key in late:
            yield from self._out(self._held.pop(key))

    def flush(self) -> Iterator[Line]:
        """Yield everything held: the end."""
        for held in self._held.values():
            yield from self._out(held)
        self._held.clear()

    # Events.

    def _delivered(self, delivered: Delivered) -> Iterator[Line]:
        if delivered.outcome == "accepted":
            if self._troubles.pop("store", None):
                yield _at(delivered.at), Ink("  store", "green"), "  takes events again"
            self._held[delivered.id] = _Held(delivered)
            return
        yield from self._line(
            delivered, (Ink(f"  {_why(delivered)}", _COLOURS[delivered.outcome]),)
        )
        if delivered.outcome == "rejected" and delivered.id.startswith("rej_"):
            more = (
                "see: hookagent inspect" if delivered.code == BAD_BODY else "why: hookagent verify"
            )
            yield (f"          {more} {delivered.id}",)
        elif delivered.outcome == "rejected" and delivered.code in MENDS:
            yield (f"          mend: {MENDS[delivered.code]}",)

    def _matched(self, matched: Matched) -> Iterator[Line]:
        held = self._held.get(matched.id)
        if held is None:
            return
        ended = {ran.run for ran in held.ended}
        held.waiting = {run for run in matched.runs if run not in ended}
        if not held.waiting:
            yield from self._out(self._held.pop(matched.id))

    def _ran(self, ran: Ran) -> Iterator[Line]:
        if ran.state == "dead":
            self._died[ran.rule] = ran.at
        if self._is_told(ran):
            return
        held = self._held.get(ran.id)
        if held is None:
            yield (_at(ran.at), f"  {ran.id}  → ", *self._outcome(ran))
            yield from _next_command(ran)
            return
        held.ended.append(ran)
        if held.waiting is not None:
            held.waiting.discard(ran.run)
            if not held.waiting:
                yield from self._out(self._held.pop(ran.id))

    def _is_told(self, ran: Ran) -> bool:
        """Whether it still waits for what it was said to wait for."""
        said = self._waits.pop(ran.run, None)
        if ran.state != "waiting" or ran.error:
            return False
        if len(self._waits) >= HELD_MAX:
            self._waits.pop(next(iter(self._waits)))
        self._waits[ran.run] = ran.reason
        return said == ran.reason

    def _out(self, held: _Held) -> Iterator[Line]:
        """Write an event with what is known of its runs."""
        tail: list[Part] = []
        for ran in held.ended:
            tail += ["  → " if not tail else ", ", *self._outcome(ran)]
        if held.waiting:
            tail.append(Ink(f"  … {len(held.waiting)} running", "dim"))
        elif not held.ended and held.waiting is not None:
            tail.append(Ink("  no rule", "dim"))
        yield from self._line(held.delivered, tuple(tail))
        for ran in held.ended:
            yield from _next_command(ran)

    def _line(self, delivered: Delivered, tail: Line) -> Iterator[Line]:
        status = Ink(str(delivered.status), "green" if delivered.status < 300 else "red")  # noqa: PLR2004 - HTTP's success
        mark = "".join(f" ({word})" for word in _peculiar(delivered))
        head: Line = (_at(delivered.at), "  ", status, *self._columns(delivered))
        named: Line = (f"  {delivered.id}{mark}",) if delivered.id else ()
        if self._narrow:
            yield head
            if named or tail:
                yield ("        ", *named, *tail)
            return
        yield (*head, *named, *tail)

    def _columns(self, delivered: Delivered) -> Line:
        """Return source and type, padded where there is room."""
        source, kind = delivered.source, safe_line(delivered.type, most=TYPE_MAX)
        if not self._wide:
            return (f"  {source}", *([f"  {kind}"] if kind else []))
        self._source_width = max(self._source_width, len(source))
        self._type_width = min(max(self._type_width, len(kind)), TYPE_PADDED_MAX)
        return (f"  {source:<{self._source_width}}  {kind:<{self._type_width}}",)

    def _trouble(self, trouble: Trouble) -> Iterator[Line]:
        """Yield a trouble when it is new, or was last said long ago.

        The watch over dead runs has nothing to add to the line of a run that has just died.
        """
        rule = trouble.part.removeprefix(DEAD_WATCH)
        is_told = trouble.at - self._died.get(rule, -REMIND_MS) < REMIND_MS
        if is_told and trouble.part.startswith(DEAD_WATCH):
            return
        said, at = self._troubles.get(trouble.part, ("", 0))
        is_repeated = said == trouble.message and trouble.at - at < REMIND_MS
        if is_repeated and not trouble.part.startswith(WATCH):
            return
        self._troubles[trouble.part] = (trouble.message, trouble.at)
        yield _at(trouble.at), Ink("  trouble", "red"), f"  {trouble.message}"
        if trouble.hint:
            yield (Ink("          hint:", "cyan"), f" {trouble.hint}")

    def _outcome(self, ran: Ran) -> Line:
        name = safe_line(ran.rule)
        if ran.state == "done":
            return (f"{name} ", Ink(self._good, "green"), f" {duration(ran.ms)}")
        if ran.state == "waiting":
            again = duration(max(ran.due_at - ran.at, 0))
            if not ran.error:
                reason = safe_line(ran.reason, most=DETAIL_MAX) or f"goes on in {again}"
                return (f"{name} ", Ink("waits", "yellow"), f": {reason}")
            reason = safe_line(ran.error, most=DETAIL_MAX)
            return (f"{name} ", Ink("again", "yellow"), f" in {again}: {reason}")
        reason = safe_line(ran.error, most=DETAIL_MAX)
        return (f"{name} ", Ink(f"{self._bad} {ran.state}", "red"), f": {reason}")


def _peculiar(delivered: Delivered) -> Iterator[str]:
    """Yield what sets a delivery apart: where it came from, and what its check did not cover."""
    if delivered.origin != "live":
        yield delivered.origin
    if delivered.outcome in {"accepted", "duplicate"} and delivered.integrity in _WEAKER:
        yield _WEAKER[delivered.integrity]


_WEAKER = {"origin-only": "origin-only", "token": "token", "none": "UNVERIFIED"}
"""Levels of integrity worth a word: the usual one, the whole body signed, is not."""

_COLOURS = {"rejected": "red", "duplicate": "dim", "handshake": "cyan"}

NARROW = 72
"""Columns under which an event takes two lines."""
WIDE = 100
"""Columns from which sources and types are padded."""
TYPE_PADDED_MAX = 28
WATCH = "watch "
"""How the part of a watch begins: it says each outage once, so the next one is news."""
DEAD_WATCH = "watch run.dead "
"""How the part of that watch begins; the rule's name follows."""
REMIND_MS = 300_000
"""How long the same trouble is not said again."""


def _of_the_agent(happening: Happening) -> Iterator[Line]:
    """Yield the lines of what concerns no single event."""
    match happening:
        case Rules():
            yield from _rules(happening)
        case Tunnel():
            yield from _tunnel(happening)
        case Logged(line=line):
            yield _at(happening.at), Ink("  log", "dim"), f"  {line}"
        case Stopping(running=running, grace_ms=grace) if running:
            most = f" within {grace / 1000:g} s"
            yield (f"stopping: {_runs(running)} to finish{most}; Ctrl-C again ends it now",)
        case Stopped(left=left):
            more = f"{_runs(left)} left, taken up at the next start" if left else "nothing is left"
            yield (f"stopped; {more}",)
        case _:
            return


MENDS = {
    "too-large": "raise `max_body` of the source or of [server]",
    "content-encoding": "let the sender, or the proxy between, send the body uncompressed",
    "wrong-method": "a source takes POST, or what its `methods` say",
}
"""What to do about what was turned away before its body was read, of which nothing is kept."""


def _next_command(ran: Ran) -> Iterator[Line]:
    """Say what to run next after a failure."""
    if ran.reason == ASKED:
        command = f"hookagent approve {ran.run}"
        yield (f"          yes: {command}   no: {command} --no",)
    elif ran.state == "dead":
        yield (f"          see: hookagent inspect {ran.id}   again: hookagent retry {ran.run}",)
    elif ran.state == "failed":
        yield (f"          see: hookagent inspect {ran.id}   again: hookagent replay {ran.id}",)
    for would in ran.dry:
        yield (Ink("          would: ", "cyan"), safe_line(_json(would), most=DETAIL_MAX))


def _json(would: object) -> str:
    return json.dumps(would, ensure_ascii=False, separators=(",", ":"), default=str)


def _why(delivered: Delivered) -> str:
    if delivered.outcome != "rejected":
        return delivered.outcome
    detail = f": {safe_line(delivered.detail, most=DETAIL_MAX)}" if delivered.detail else ""
    return f"refused, {delivered.code}{detail}"


def needs_a_person(happening: Happening) -> bool:
    """Whether someone should look: a dead run, a trouble, broken rules, a tunnel that is down."""
    match happening:
        case Ran(state=state):
            return state == "dead"
        case Rules(problems=problems):
            return bool(problems)
        case Tunnel(state=state):
            return state not in GOOD_TUNNEL
        case Trouble():
            return True
        case _:
            return False


def _ready(ready: Ready, *, is_interactive: bool) -> Iterator[Line]:
    where = f"listening on {ready.listener}" if ready.listener else "working; no listener here"
    yield (Ink("ready", "green"), f"  {where}")
    rows = dict(ready.sources)
    if ready.inspector:
        yield (f"       inspector  {ready.inspector}",)
    widest = max(map(len, rows), default=0)
    for name, url in rows.items():
        yield (f"       {name:<{widest}}  {url}",)
    first = next(iter(rows), None)
    if is_interactive and first is not None:
        yield (Ink(f"       try it: hookagent sign --source {first} --send", "dim"),)


GOOD_TUNNEL = frozenset({"up", "changed"})


def _rules(rules: Rules) -> Iterator[Line]:
    if not rules.problems:
        yield (_at(rules.at), f"  rules  {rules.loaded} loaded")
        return
    kept = f", the last good {rules.loaded} stay in use" if rules.kept else ""
    yield (_at(rules.at), Ink("  rules", "red"), f"  the edit is broken{kept}")
    for problem in rules.problems:
        for line in problem.splitlines():
            yield (f"          {line}",)


def _tunnel(tunnel: Tunnel) -> Iterator[Line]:
    good = tunnel.state in GOOD_TUNNEL
    where = f"  {tunnel.url}" if tunnel.url else ""
    detail = f"  {safe_line(tunnel.detail, most=DETAIL_MAX)}" if tunnel.detail else ""
    colour = "green" if good else "yellow"
    yield (_at(tunnel.at), "  tunnel ", Ink(tunnel.state, colour), where, detail)
    widest = max(map(len, tunnel.sources), default=0)
    for name, url in tunnel.sources.items():
        yield (f"          {name:<{widest}}  {url}",)


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def duration(milliseconds: int) -> str:
    """Write a duration as people say it: `45 ms`, `3.2 s`, `4 m 10 s`, `2 h 5 m`."""
    if milliseconds < 1_000:  # noqa: PLR2004 - a second
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} m {rest} s"
    return f"{minutes // 60} h {minutes % 60} m"


def _at(milliseconds: int) -> str:
    """Write the time of day where the reader is."""
    return f"{datetime.fromtimestamp(milliseconds / 1000).astimezone():%H:%M:%S}"
