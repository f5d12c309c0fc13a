"""Carry a whole store into another one, in as many goes as it takes, and prove that it arrived.

    ahead        events and runs in the source's order, page by page, while it goes on
    last pass    the source stands still: the rest of these, runs that changed, what was removed,
                 then all small parts whole, and what follows from the rows

How far it came stands in the target (`moving.MARK`) and changes in the commit of each page, so that
a copy that was interrupted goes on after its last page, without doubles. Each page is read back and
its hashes compared; small parts are compared whole; in the end the rows of both are counted.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from secrets import token_hex
from typing import Any

import msgspec

from hookagent.errors import OutsideError
from hookagent.store.base import Run
from hookagent.store.moving import (
    FINAL,
    GROWING,
    IDENTITY,
    MARK,
    SMALL,
    Digest,
    Movable,
    Page,
    Part,
    Place,
    Row,
    Step,
    hash_of,
    size_of,
)
from hookagent.version import hookagent_version

CLOSE_ENOUGH = 2_000
"""A pass ahead that found no more rows than this leaves the rest to the last pass."""

Said = Callable[[Part, int, int], None]
"""Told the part, how many rows were carried, and how many of it there are."""


class PartReport(msgspec.Struct, frozen=True, kw_only=True):
    """One part, the same in both stores."""

    rows: int
    hash: str
    """Over all rows, in any order."""


class CopyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a copy did."""

    is_done: bool
    """False where the last pass is still to come."""
    carried: int
    """Events and runs carried by this call."""
    bytes: int
    """Of the events carried by this call: headers and bodies."""
    resumed_at: int
    """Events and runs that an earlier call had carried."""
    keys: int
    """Events that a further delivery with the same key finds; 0 before the last pass."""
    parts: dict[str, PartReport]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A part that is not the same in two stores."""

    part: str
    rows: tuple[int, int]
    hashes: tuple[str, str]


class _Carried(msgspec.Struct):
    """How much of a growing part is in the target."""

    begin: Place = None
    """Where the last page began: it may not have been read back."""
    after: Place = None
    rows: int = 0
    digest: str = "0"


class _Mark(msgspec.Struct):
    """How far a copy came."""

    source: str
    """The source's identity."""
    version: str
    """The hookagent that began it: hashes are of its rows."""
    is_done: bool = False
    wrong: str = ""
    """What did not arrive as it was: such a copy is not gone on with."""
    parts: dict[Part, _Carried] = {}


_mark = msgspec.json.Decoder(_Mark)


def is_unfinished(kept: bytes | None) -> bool:
    """Tell from the kept value `MARK` whether a store is a copy that is not complete."""
    return kept is not None and not _mark.decode(kept).is_done


async def copy(source: Movable, target: Movable, *, ahead: bool, said: Said) -> CopyReport:
    """Carry `source` into `target`, which are open as such.

    With `ahead`, carry what can be carried while the source is in use; without, all of it.
    Raises OutsideError where the source is in use, the target holds something else, or a page did
    not arrive as it was.
    """
    copying = await Copying.begun(source, target, said)
    try:
        await copying.read_last_back()
        return await (copying.ahead() if ahead else copying.whole())
    except _Wrong as wrong:
        await copying.give_up(wrong)
        raise


async def compare(one: Movable, other: Movable, *, said: Said) -> list[Difference]:
    """Read two stores whole and say in which parts they differ; both should stand still."""
    found = []
    for part in Part:
        digests = await asyncio.gather(_digest(one, part, said), _digest(other, part, _silent))
        if digests[0] != digests[1]:
            found.append(
                Difference(
                    part=part,
                    rows=(digests[0].rows, digests[1].rows),
                    hashes=(str(digests[0]), str(digests[1])),
                )
            )
    return found


class _Wrong(OutsideError):
    """Something did not arrive as it was."""


class Copying:
    """One call of `copy`."""

    def __init__(self, source: Movable, target: Movable, mark: _Mark, said: Said) -> None:
        self._source = source
        self._target = target
        self._mark = mark
        self._written = msgspec.json.encode(mark)
        self._said = said
        self._digests = {
            part: Digest(done.rows, int(done.digest, 16)) for part, done in mark.parts.items()
        }
        self._resumed_at = sum(done.rows for done in mark.parts.values())
        self._carried = 0
        self._bytes = 0

    @classmethod
    async def begun(cls, source: Movable, target: Movable, said: Said) -> "Copying":
        """Begin, or go on where an earlier copy of the same source was interrupted."""
        identity = await source.kept(IDENTITY)
        if identity is None:
            identity = token_hex(16).encode()
            await source.keep(IDENTITY, identity)
        name = identity.decode()
        found = await target.kept(MARK)
        if found is None:
            await _refuse_occupied(target)
            mark = _Mark(
                source=name,
                version=hookagent_version(),
                parts={part: _Carried() for part in GROWING},
            )
            await target.keep(MARK, msgspec.json.encode(mark))
        else:
            mark = _mark.decode(found)
            _refuse_other(mark, name, target)
        return cls(source, target, mark, said)

    async def ahead(self) -> CopyReport:
        """Carry events and runs until there is little left."""
        while True:
            before = self._carried
            await self._carry_growing()
            if self._carried - before <= CLOSE_ENOUGH:
                return self._report(is_done=False, parts={}, keys=0)

    async def whole(self) -> CopyReport:
        """Hold the source still and carry all that is not there yet."""
        await self._source.freeze()
        await self._carry_growing()
        await self._amend()
        for part in reversed(GROWING):
            await self._sweep(part)
        parts = {part: await self._carry_small(part) for part in SMALL}
        await self._target.derive()
        parts = self._digests | parts
        await self._count(parts)
        keys = await self._target.keyed()
        if keys != parts[Part.EVENTS].rows:
            raise self._differs(
                f"{keys} of {parts[Part.EVENTS].rows} events are found by their key"
            )
        self._mark.is_done = True
        await self._target.keep(MARK, msgspec.json.encode(self._mark))
        return self._report(is_done=True, parts=parts, keys=keys)

    async def _carry_growing(self) -> None:
        until = await self._source.settled()
        for part in GROWING:
            done = self._mark.parts[part]
            total = await self._source.count(part) - done.rows
            async for page in _pages(self._source, part, after=done.after, until=until[part]):
                self._digests[part].add(page.rows)
                done.begin, done.after = done.after, page.after
                await self._target.adopt(part, page.rows, self._step(part))
                await self._read_back(part, page.rows)
                self._carried += len(page.rows)
                self._bytes += sum(map(size_of, page.rows))
                self._said(part, len(page.rows), total)

    async def _read_back(self, part: Part, rows: Sequence[Row]) -> None:
        """Compare what was just committed with what was to be."""
        there = await self._target.read(part, [row.id for row in rows])
        if [*map(hash_of, there)] != [*map(hash_of, rows)]:
            ids = {row.id: hash_of(row) for row in there}
            wrong = next((row.id for row in rows if ids.get(row.id) != hash_of(row)), rows[0].id)
            raise self._differs(f"{part} from `{wrong}` on")

    async def read_last_back(self) -> None:
        """Do what an interruption may have left out: read the last page of an earlier call back."""
        for part, done in self._mark.parts.items():
            if done.after is None:
                continue
            async for page in _pages(self._source, part, after=done.begin, until=done.after):
                there = await self._target.read(part, [row.id for row in page.rows])
                open_ = {row.id for row in there if part is Part.RUNS and row.state not in FINAL}
                await self._read_back(part, [row for row in page.rows if row.id not in open_])

    async def give_up(self, wrong: _Wrong) -> None:
        """Note that this copy cannot be gone on with."""
        self._mark.wrong = wrong.message
        await self._target.keep(MARK, msgspec.json.encode(self._mark))

    async def _amend(self) -> None:
        """Bring runs up to date that were not finished when they were carried."""
        after: Place = None
        while (page := await self._target.unfinished(after=after)).rows:
            after = page.after
            now = {run.id: run for run in await self._read_source(page.rows)}
            changed = [run for run in page.rows if run.id in now and run != now[run.id]]
            if changed:
                fresh = [now[run.id] for run in changed]
                self._digests[Part.RUNS].remove(changed)
                self._digests[Part.RUNS].add(fresh)
                await self._target.amend(fresh, self._step(Part.RUNS))
                await self._read_back(Part.RUNS, fresh)

    async def _read_source(self, runs: Sequence[Run]) -> Sequence[Run]:
        return await self._source.read(Part.RUNS, [run.id for run in runs])

    async def _sweep(self, part: Part) -> None:
        """Remove what the source has removed since it was carried."""
        if await self._source.count(part) == self._mark.parts[part].rows:
            return
        async for page in _pages(self._target, part):
            there = {row.id for row in await self._source.read(part, [row.id for row in page.rows])}
            gone = [row for row in page.rows if row.id not in there]
            if gone:
                self._digests[part].remove(gone)
                await self._target.drop(part, [row.id for row in gone], self._step(part))

    async def _carry_small(self, part: Part) -> Digest:
        """Carry a small part whole, in place of what an earlier last pass left there."""
        await self._target.clear(part)
        digest = Digest()
        total = await self._source.count(part)
        async for page in _pages(self._source, part):
            digest.add(page.rows)
            await self._target.adopt(part, page.rows, Step(self._written, self._written))
            self._said(part, len(page.rows), total)
        there = await _digest(self._target, part, _silent)
        if there != digest:
            raise self._differs(f"{part}: {there.rows} rows of {digest.rows}, or not the same")
        return digest

    async def _count(self, parts: dict[Part, Digest]) -> None:
        """Count the rows of both stores."""
        for part, digest in parts.items():
            counts = (await self._source.count(part), await self._target.count(part))
            if counts != (digest.rows, digest.rows):
                raise self._differs(f"{part}: {counts[1]} rows, {counts[0]} in the source")

    def _step(self, part: Part) -> Step:
        """Return the mark as it becomes with what was done to a part."""
        digest = self._digests[part]
        self._mark.parts[part].rows = digest.rows
        self._mark.parts[part].digest = str(digest)
        before, self._written = self._written, msgspec.json.encode(self._mark)
        return Step(before, self._written)

    def _differs(self, what: str) -> _Wrong:
        return _Wrong(
            f"the copy in `{self._target.label}` is not what the source holds ({what})",
            hint="empty it and copy again; the source was left as it is",
        )

    def _report(self, *, is_done: bool, parts: dict[Part, Digest], keys: int) -> CopyReport:
        return CopyReport(
            is_done=is_done,
            carried=self._carried,
            bytes=self._bytes,
            resumed_at=self._resumed_at,
            keys=keys,
            parts={
                part: PartReport(rows=digest.rows, hash=str(digest))
                for part, digest in (parts or self._digests).items()
            },
        )


async def _pages(
    store: Movable, part: Part, *, after: Place = None, until: Place = None
) -> AsyncIterator[Page]:
    """Yield the pages of a part; the next one is read while one is worked on."""
    following = asyncio.create_task(_export(store, part, after, until))
    try:
        while (page := await following).rows:
            following = asyncio.create_task(_export(store, part, page.after, until))
            yield page
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _export(store: Movable, part: Part, after: Place, until: Place) -> Page:
    return await store.export(part, after=after, until=until)


async def _digest(store: Movable, part: Part, said: Said) -> Digest:
    digest = Digest()
    total = await store.count(part)
    async for page in _pages(store, part):
        digest.add(page.rows)
        said(part, len(page.rows), total)
    return digest


async def _refuse_occupied(target: Movable) -> None:
    counts = {part: await target.count(part) for part in Part}
    held = [f"{count} {part.replace('_', ' ')}" for part, count in counts.items() if count]
    if held:
        raise OutsideError(
            f"`{target.label}` is not empty: {', '.join(held)}",
            hint="name an empty store; this one was left as it is",
        )


def _refuse_other(mark: _Mark, source: str, target: Movable) -> None:
    if mark.is_done:
        raise OutsideError(
            f"`{target.label}` is a finished copy and may be in use",
            hint="name an empty store; `hookagent store compare` tells whether two are the same",
        )
    if mark.wrong:
        raise OutsideError(mark.wrong, hint="name an empty store")
    if mark.source != source:
        raise OutsideError(
            f"`{target.label}` is an unfinished copy of another store",
            hint="name an empty store; this one was left as it is",
        )
    if mark.version != hookagent_version():
        raise OutsideError(
            f"`{target.label}` is an unfinished copy begun by hookagent {mark.version}",
            hint="end it with that version, or name an empty store",
        )


def _silent(*_: Any) -> None:
    """Say nothing."""
