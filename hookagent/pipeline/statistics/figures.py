"""What was counted: by subject (a source, a type, a rule, an action), mergeable and bounded.

    subject ── counts   accepted, duplicate, rejected, begun, done, waiting, dead, again, never …
            ── causes   why things failed, in few words
            └─ times    histograms: `answer`, `run`, `try`

Types and causes come from strangers, so of each kind only the most frequent are kept; the others
count together as `other`.
"""

import re
import zlib
from collections.abc import Iterable, Sequence

import msgspec

from hookagent.pipeline.statistics.histogram import Histogram, bucket

OTHER = "other"
SUBJECTS_MAX = {"source": 1_000, "type": 200, "rule": 500, "action": 100}
CAUSES_MAX = 20
"""Causes of one subject."""
SLACK = 4
"""How far a bound may be passed before it is drawn tight again: doing so costs a sort."""
NAME_MAX = 120
CAUSE_MAX = 80
_VARIABLE = re.compile(r"\b[0-9a-f]*\d[0-9a-f]{7,}\b|\b\w+_[0-9A-Za-z]{20,}\b|\d{4,}")
"""Ids, hashes, ports and long numbers: what makes every error text its own."""

Key = tuple[str, str]
"""The kind of a subject and its name."""


class Subject(msgspec.Struct, array_like=True):
    """The figures of one source, type, rule or action."""

    counts: dict[str, int] = {}
    causes: dict[str, int] = {}
    times: dict[str, Histogram] = {}

    @property
    def weight(self) -> int:
        """How much was counted in all."""
        return sum(self.counts.values())


class Figures:
    """Every subject of one stretch of time."""

    __slots__ = ("subjects",)

    def __init__(self) -> None:
        self.subjects: dict[str, dict[str, Subject]] = {kind: {} for kind in SUBJECTS_MAX}

    def __bool__(self) -> bool:
        return any(self.subjects.values())

    def count(self, key: Key, word: str, by: int = 1) -> None:
        """Count something of a subject."""
        counts = self._subject(key).counts
        counts[word] = counts.get(word, 0) + by

    def cause(self, key: Key, cause: str, by: int = 1) -> None:
        """Count why something of a subject failed."""
        causes = self._subject(key).causes
        if cause not in causes and len(causes) >= SLACK * CAUSES_MAX:
            _tighten_causes(causes)
        causes[cause] = causes.get(cause, 0) + by

    def time(self, key: Key, what: str, ms: int, by: int = 1) -> None:
        """Count how long something of a subject took."""
        times = self._subject(key).times.setdefault(what, {})
        place = bucket(ms)
        times[place] = times.get(place, 0) + by

    def merge(self, other: "Figures") -> None:
        """Add another's counts to these."""
        for kind, subjects in other.subjects.items():
            for name, subject in subjects.items():
                _add(self._subject((kind, name)), subject)

    def tighten(self) -> None:
        """Keep the most frequent subjects and causes; the rest becomes `other`."""
        for kind, subjects in self.subjects.items():
            most = SUBJECTS_MAX[kind]
            if len(subjects) > most:
                self.subjects[kind] = _tightened(subjects, most)
            for subject in self.subjects[kind].values():
                if len(subject.causes) > CAUSES_MAX:
                    _tighten_causes(subject.causes)

    def _subject(self, key: Key) -> Subject:
        kind, name = key
        subjects = self.subjects[kind]
        found = subjects.get(name)
        if found is None:
            if len(subjects) >= SLACK * SUBJECTS_MAX[kind]:
                self.subjects[kind] = subjects = _tightened(subjects, SUBJECTS_MAX[kind])
            found = subjects.setdefault(name, Subject())
        return found


def _add(to: Subject, of: Subject) -> None:
    for mine, other in ((to.counts, of.counts), (to.causes, of.causes)):
        for word, count in other.items():
            mine[word] = mine.get(word, 0) + count
    for what, histogram in of.times.items():
        times = to.times.setdefault(what, {})
        for place, count in histogram.items():
            times[place] = times.get(place, 0) + count
    if len(to.causes) > SLACK * CAUSES_MAX:
        _tighten_causes(to.causes)


def _tightened(subjects: dict[str, Subject], most: int) -> dict[str, Subject]:
    """Return the subjects with the most counts; the rest is `other`."""
    rest = subjects.pop(OTHER, None) or Subject()
    ranked = sorted(subjects.items(), key=lambda item: item[1].weight, reverse=True)
    for _, subject in ranked[most - 1 :]:
        _add(rest, subject)
    return dict(ranked[: most - 1]) | {OTHER: rest}


def _tighten_causes(causes: dict[str, int]) -> None:
    rest = causes.pop(OTHER, 0)
    ranked = sorted(causes.items(), key=lambda item: item[1], reverse=True)
    causes.clear()
    causes.update(ranked[: CAUSES_MAX - 1])
    causes[OTHER] = rest + sum(count for _, count in ranked[CAUSES_MAX - 1 :])


def named(text: str) -> str:
    """Return a name short enough to be a subject's."""
    return text if len(text) <= NAME_MAX else text[: NAME_MAX - 1] + "…"


def cause_of(error: str) -> str:
    """Return what errors of one kind have in common: their first line, without what varies."""
    line = error.partition("\n")[0][: 4 * CAUSE_MAX].strip()
    return _VARIABLE.sub("…", line)[:CAUSE_MAX] or "no reason given"


# On disk: MessagePack, packed. A version that cannot be read counts as nothing.

_VERSION = b"1"
_DECODER = msgspec.msgpack.Decoder(dict[str, dict[str, Subject]])


def encode(figures: Figures) -> bytes:
    """Write figures for the store, within their bounds."""
    figures.tighten()
    kept = {kind: subjects for kind, subjects in figures.subjects.items() if subjects}
    return _VERSION + zlib.compress(msgspec.msgpack.encode(kept), 6)


def decode(data: bytes) -> Figures:
    """Read what `encode` wrote; empty where another version wrote it."""
    figures = Figures()
    if data[:1] != _VERSION:
        return figures
    try:
        found = _DECODER.decode(zlib.decompress(data[1:]))
    except (zlib.error, msgspec.MsgspecError):
        return figures
    figures.subjects.update((kind, found[kind]) for kind in SUBJECTS_MAX if kind in found)
    return figures


def merged(many: Iterable[bytes]) -> Figures:
    """Add up what is in several stretches."""
    whole = Figures()
    for data in many:
        whole.merge(decode(data))
    return whole


def merge(many: Sequence[bytes]) -> bytes:
    """As `merged`, for the store."""
    return encode(merged(many))
