"""Rehearses at the sender's side what networks, retries and strangers do to an application.

`--chaos dup=3,retry,reorder,delay=2s,stale=10m,tamper,truncate,slow` becomes a `Chaos`; `shots`
makes the order of sending from it, `retry` what follows a bad answer, `damaged` the requests that
must not be believed, `expected` what a sound application does with each. Pure: the caller gives the
randomness, sends, and tells the time.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from random import Random

import msgspec

from hookagent.errors import UsageError, did_you_mean
from hookagent.event import RawRequest
from hookagent.located import parse_duration
from hookagent.providers.scheme import Scheme
from hookagent.verdict import Integrity

DUPLICATES_MAX = 100
RETRIES_MAX = 10
RETRY_MS = 1_000
"""Before the first retry; each later one waits twice as long. Providers take minutes and hours."""
EXAMPLE = "such as --chaos dup=3,retry,reorder,delay=2s,stale=10m,tamper,truncate,slow"


class Kind(StrEnum):
    """What was done to one request."""

    PLAIN = "plain"
    DUPLICATE = "duplicate"
    """The same bytes once more, as after a lost answer."""
    RETRY = "retry"
    """Sent again, signed anew, after an answer that was not 2xx."""
    STALE = "stale"
    """Genuine, but signed long ago."""
    TAMPERED = "tampered"
    """One character changed after signing."""
    TRUNCATED = "truncated"
    """Half of the body, signed as the whole."""
    SLOW = "slow"
    """The body in small pieces with pauses."""


class Expected(StrEnum):
    """What a sound application does."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    EITHER = "either"
    """Nothing in the scheme lets it tell."""


class Chaos(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be rehearsed."""

    dup: int = 1
    """How often each request is sent in all."""
    retries: int = 0
    """How often a request is sent again while its answer is not 2xx."""
    reorder: bool = False
    delay_ms: int = 0
    """Up to so long before each request."""
    stale_ms: int = 0
    """A copy signed so long ago, too; 0 for none."""
    tamper: bool = False
    truncate: bool = False
    slow_ms: int = 0
    """A copy whose body takes so long to arrive, too; 0 for none."""


class Shot(msgspec.Struct, frozen=True):
    """One request to send: which capture, what was done to it, after which pause."""

    place: int
    kind: Kind
    wait_ms: int = 0


def parse_chaos(text: str) -> Chaos:
    """Read the words of `--chaos`. Raises UsageError."""
    given: dict[str, object] = {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = word.partition("=")
        reader = _WORDS.get(name)
        if reader is None:
            hint = did_you_mean(name, _WORDS) or EXAMPLE
            raise UsageError(f"unknown kind of chaos `{name}`", hint=hint)
        field, read, default = reader
        given[field] = read(word, value or default)
    if not given:
        raise UsageError("`--chaos` says nothing", hint=EXAMPLE)
    return msgspec.convert(given, Chaos)


def _copies(word: str, value: str) -> int:
    return _count(word, value, 2, DUPLICATES_MAX)


def _retries(word: str, value: str) -> int:
    return _count(word, value, 1, RETRIES_MAX)


def _count(word: str, value: str, least: int, most: int) -> int:
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise UsageError(f"`{word}` wants a number from {least} to {most}", hint=EXAMPLE)
    return int(value)


def _span(word: str, value: str) -> int:
    duration = parse_duration(value)
    if not duration:
        raise UsageError(f"`{word}` wants a duration", hint=EXAMPLE)
    return duration


def _flag(word: str, value: str) -> bool:
    if value:
        raise UsageError(f"`{word}` takes no value", hint=EXAMPLE)
    return True


_WORDS: dict[str, tuple[str, Callable[[str, str], object], str]] = {
    "dup": ("dup", _copies, "2"),
    "retry": ("retries", _retries, "3"),
    "reorder": ("reorder", _flag, ""),
    "delay": ("delay_ms", _span, "2s"),
    "stale": ("stale_ms", _span, "10m"),
    "tamper": ("tamper", _flag, ""),
    "truncate": ("truncate", _flag, ""),
    "slow": ("slow_ms", _span, "5s"),
}
"""Each word: the field it sets, how its value is read, and the value when there is none."""


def shots(count: int, chaos: Chaos, random: Random) -> list[Shot]:
    """Return what to send for so many captures, in order; a duplicate never precedes its first."""
    kinds = [Kind.PLAIN]
    kinds += [Kind.STALE] * bool(chaos.stale_ms)
    kinds += [Kind.TAMPERED] * chaos.tamper
    kinds += [Kind.TRUNCATED] * chaos.truncate
    kinds += [Kind.SLOW] * bool(chaos.slow_ms)
    kinds += [Kind.DUPLICATE] * (chaos.dup - 1)
    made = [Shot(place, kind) for place in range(count) for kind in kinds]
    if chaos.reorder:
        random.shuffle(made)
        made = _firsts_first(made)
    if chaos.delay_ms:
        made = [Shot(s.place, s.kind, random.randrange(chaos.delay_ms + 1)) for s in made]
    return made


def _firsts_first(shuffled: Sequence[Shot]) -> list[Shot]:
    """Let the first of equal requests be the plain one; where it stands does not change."""
    seen: set[int] = set()
    ordered = []
    for shot in shuffled:
        if shot.kind in {Kind.PLAIN, Kind.DUPLICATE}:
            kind = Kind.DUPLICATE if shot.place in seen else Kind.PLAIN
            seen.add(shot.place)
            ordered.append(Shot(shot.place, kind))
        else:
            ordered.append(shot)
    return ordered


def retry(shot: Shot, status: int, tries: int, chaos: Chaos) -> Shot | None:
    """Return how a provider would send a request again after so many tries; None if it would not.

    `status` is the last answer's, 0 for none. What is damaged on purpose no provider has sent.
    """
    is_genuine = shot.kind in {Kind.PLAIN, Kind.DUPLICATE, Kind.RETRY}
    if not is_genuine or _is_taken(status) or tries > chaos.retries:
        return None
    return Shot(shot.place, Kind.RETRY, RETRY_MS << (tries - 1))


def damaged(request: RawRequest, kind: Kind) -> RawRequest:
    """Return a signed request as a stranger or a broken line would pass it on."""
    if kind is Kind.TAMPERED:
        return msgspec.structs.replace(request, body=_tampered(request.body))
    if kind is Kind.TRUNCATED:
        return msgspec.structs.replace(request, body=request.body[: len(request.body) // 2])
    return request


def _tampered(body: bytes) -> bytes:
    """Change the last digit, so that JSON stays JSON; without one, add a blank."""
    for place in range(len(body) - 1, -1, -1):
        if chr(body[place]).isascii() and chr(body[place]).isdigit():
            changed = b"%d" % ((body[place] - 48 + 1) % 10)
            return body[:place] + changed + body[place + 1 :]
    return body + b" "


def expected(kind: Kind, scheme: Scheme | None, request: RawRequest) -> Expected:
    """Say what a sound application does with a request; `scheme` is None where nobody knows it."""
    match kind:
        case Kind.PLAIN | Kind.DUPLICATE | Kind.RETRY:
            return Expected.ACCEPT
        case Kind.STALE:
            return Expected.REFUSE if scheme and _has_time(scheme) else Expected.EITHER
        case Kind.TAMPERED:
            covers = scheme is not None and scheme.integrity is Integrity.BODY
            return Expected.REFUSE if covers else Expected.EITHER
        case Kind.TRUNCATED:
            return Expected.REFUSE if len(request.body) > 1 else Expected.EITHER
        case Kind.SLOW:
            return Expected.EITHER


class Effect(StrEnum):
    """What an application did on one request, as its probe told."""

    NONE = "nothing"
    ONCE = "ran"
    TWICE = "ran twice"
    """It had acted on this event before."""
    FOOLED = "acted on"
    """It acted on what it should have refused, whatever it answered."""


WRONG = frozenset({Effect.TWICE, Effect.FOOLED})


class Effects:
    """Remembers which events an application has acted on."""

    def __init__(self) -> None:
        self._acted: set[int] = set()

    def of(self, place: int, wanted: Expected, *, acted: bool) -> Effect:
        """Judge what one request set off; `place` says which event it is of."""
        if not acted:
            return Effect.NONE
        if wanted is Expected.REFUSE:
            return Effect.FOOLED
        if place in self._acted:
            return Effect.TWICE
        self._acted.add(place)
        return Effect.ONCE


def _has_time(scheme: Scheme) -> bool:
    """Whether a signature of this scheme grows old."""
    return scheme.timestamp is not None or scheme.jwt is not None or scheme.message is not None


def is_sound(wanted: Expected, status: int) -> bool:
    """Whether an HTTP status (0 for none) is what a sound application answers."""
    match wanted:
        case Expected.ACCEPT:
            return _is_taken(status)
        case Expected.REFUSE:
            return not _is_taken(status)
        case Expected.EITHER:
            return True


def _is_taken(status: int) -> bool:
    return 200 <= status < 300  # noqa: PLR2004 - HTTP's success
