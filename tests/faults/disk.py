"""A disk as it is after the power went: what was synced, and any part of what was not.

`shim.c` notes what a program does to the files of a folder. From its journal this makes the image a
power cut leaves: a sector holds what the last sync made durable or any newer version of it, each
sector by itself (so writes are torn and reordered); a length and a name likewise; and what a failed
sync covered may be gone for good although reading still shows it, as on Linux.

Nothing here knows of SQLite or of hookagent.
"""

import os
import random
import shutil
import struct
import subprocess
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

SECTOR = 512
SOURCE = Path(__file__).with_name("shim.c")
COMPILER = shutil.which("gcc") or shutil.which("cc")
_HEADER = struct.Struct("<qqIIII")


class What(IntEnum):
    """The kinds of records, as in `shim.c`."""

    WRITE = 1
    SYNC_BEGAN = 2
    SYNC_DONE = 3
    SYNC_FAILED = 4
    TRUNCATE = 5
    CREATE = 6
    REMOVE = 7
    RENAME = 8
    FOLDER = 9


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was done to a file."""

    at_ns: int
    offset: int
    what: What
    path: str
    data: bytes
    thread: int


def compiled(folder: Path) -> Path:
    """Compile the shim; call it only where there is a compiler."""
    assert COMPILER is not None
    shim = folder / "shim.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run(
        [COMPILER, *flags, "-o", str(shim), str(SOURCE), "-ldl", "-lpthread"],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return shim


class Faults:
    """The switch by which the disk fails: an errno each for what a program does to its files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(16))

    def set(self, *, write: int = 0, sync: int = 0, open_: int = 0, read: int = 0) -> None:
        """Fail with these from now on; 0 is a disk that works."""
        with self.path.open("r+b", buffering=0) as file:
            file.write(bytes([write, sync, open_, read]))


def environment(
    shim: Path, root: Path, *, journal: Path | None = None, faults: Faults | None = None
) -> dict[str, str]:
    """Return what to set in the environment of a program whose disk this is to be."""
    found = {"LD_PRELOAD": str(shim), "HOOKAGENT_DISK_ROOT": os.path.realpath(root)}
    if journal is not None:
        found["HOOKAGENT_DISK_JOURNAL"] = str(journal)
    if faults is not None:
        found["HOOKAGENT_DISK_FAULTS"] = str(faults.path)
    return found


def records(journal: Path) -> Iterator[Record]:
    """Read a journal; a last record that a kill cut short is left out."""
    data = journal.read_bytes()
    at = 0
    while at + _HEADER.size <= len(data):
        at_ns, offset, what, path_bytes, data_bytes, thread = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        end = at + path_bytes + data_bytes
        if end > len(data):
            return
        path = data[at : at + path_bytes].decode()
        yield Record(at_ns, offset, What(what), path, data[at + path_bytes : end], thread)
        at = end


@dataclass(slots=True)
class Versions:
    """What a sector, or a length, may be after a power cut: one of these, the last or an older."""

    sure: bytes
    newer: list[tuple[int, bytes]] = field(default_factory=list)
    lost_hold: list[bytes] = field(default_factory=list)
    """Covered by a sync that failed: no later sync makes them durable, a later write may."""

    def synced(self, until: int) -> None:
        """Make durable what was written up to then."""
        count = bisect_right(self.newer, until, key=lambda one: one[0])
        if count:
            self.sure = self.newer[count - 1][1]
            self.lost_hold.clear()
            del self.newer[:count]

    def failed(self, until: int) -> None:
        """Let go of what was written up to then."""
        count = bisect_right(self.newer, until, key=lambda one: one[0])
        self.lost_hold += [version for _, version in self.newer[:count]]
        del self.newer[:count]

    def chosen(self, chance: random.Random, keep: float) -> bytes:
        """Return one of them; `keep` is the likelihood that it is not the sure one."""
        unsure = self.lost_hold + [version for _, version in self.newer]
        if not unsure or chance.random() >= keep:
            return self.sure
        return unsure[-1] if keep == 1 else chance.choice(unsure)


class File:
    """The content of one file, as a program sees it and as it may be on the disk."""

    def __init__(self, content: bytes = b"") -> None:
        self.seen = bytearray(content)
        self.sectors: dict[int, Versions] = {}
        self.length = Versions(_packed(len(content)))
        self.sure = bytearray(content)
        self.marks: dict[int, int] = {}

    def write(self, moment: int, offset: int, data: bytes) -> None:
        """Write at a place, beyond the end too."""
        end = offset + len(data)
        if end > len(self.seen):
            self.seen.extend(bytes(end - len(self.seen)))
            self.length.newer.append((moment, _packed(end)))
        self.seen[offset:end] = data
        for sector in range(offset // SECTOR, (end + SECTOR - 1) // SECTOR):
            self._note(moment, sector)

    def truncate(self, moment: int, size: int) -> None:
        """Cut or extend."""
        before = len(self.seen)
        if size < before:
            del self.seen[size:]
            for sector in range(size // SECTOR, (before + SECTOR - 1) // SECTOR):
                self._note(moment, sector)
        else:
            self.seen.extend(bytes(size - before))
        self.length.newer.append((moment, _packed(size)))

    def _note(self, moment: int, sector: int) -> None:
        at = sector * SECTOR
        known = self.sectors.get(sector)
        if known is None:
            known = self.sectors[sector] = Versions(_sector(self.sure, sector))
        known.newer.append((moment, bytes(self.seen[at : at + SECTOR]).ljust(SECTOR, b"\0")))

    def ended(self, thread: int, *, is_done: bool) -> None:
        """End a sync of a thread: all that was written when it began is durable, or let go."""
        until = self.marks.pop(thread, -1)
        for versions in (self.length, *self.sectors.values()):
            if is_done:
                versions.synced(until)
            else:
                versions.failed(until)
        for sector, versions in list(self.sectors.items()):
            if not versions.newer and not versions.lost_hold:
                self._settle(sector, versions.sure)
                del self.sectors[sector]

    def _settle(self, sector: int, content: bytes) -> None:
        at = sector * SECTOR
        if len(self.sure) < at + SECTOR:
            self.sure.extend(bytes(at + SECTOR - len(self.sure)))
        self.sure[at : at + SECTOR] = content

    def after_cut(self, chance: random.Random, keep: float) -> bytes:
        """Return what the disk may hold."""
        length = int.from_bytes(self.length.chosen(chance, keep))
        image = bytearray(self.sure)
        for sector, versions in self.sectors.items():
            at = sector * SECTOR
            if len(image) < at + SECTOR:
                image.extend(bytes(at + SECTOR - len(image)))
            image[at : at + SECTOR] = versions.chosen(chance, keep)
        return bytes(image[:length].ljust(length, b"\0"))


def _packed(length: int) -> bytes:
    return length.to_bytes(8)


def _sector(content: bytearray, sector: int) -> bytes:
    return bytes(content[sector * SECTOR : (sector + 1) * SECTOR]).ljust(SECTOR, b"\0")


class Folder:
    """Names: those that are durable, and what was done to them since, in order."""

    def __init__(self) -> None:
        self.sure: dict[str, File | None] = {}
        self.newer: list[tuple[int, str, File | None, bool]] = []
        self.marks: dict[int, int] = {}

    def ended(self, thread: int, *, is_done: bool) -> None:
        """End a sync: the changes of names that were made when it began are durable."""
        until = self.marks.pop(thread, -1)
        if is_done:
            count = sum(1 for moment, *_ in self.newer if moment <= until)
            self.sure = self._with(count)
            del self.newer[:count]

    def _with(self, count: int) -> dict[str, File | None]:
        names = dict(self.sure)
        for _, name, file, is_there in self.newer[:count]:
            if is_there:
                names[name] = file
            else:
                names.pop(name, None)
        return names

    def after_cut(self, chance: random.Random, keep: float) -> dict[str, File | None]:
        """Return the names the disk may know: changes of a folder reach it in their order."""
        if keep in {0, 1}:
            return self._with(len(self.newer) if keep else 0)
        return self._with(chance.randint(0, len(self.newer)))


class Disk:
    """All files and folders under a root, followed through a journal."""

    def __init__(self, root: Path) -> None:
        self.root = os.path.realpath(root)
        self.folders: dict[str, Folder] = {}
        self.seen: dict[str, File] = {}
        self._moment = 0
        for folder, _, names in os.walk(self.root):
            known = self.folders.setdefault(folder, Folder())
            if folder != self.root:
                self._folder_of(folder).sure[folder] = None
            for name in names:
                path = str(Path(folder) / name)
                if not path.endswith("-shm"):
                    known.sure[path] = self.seen[path] = File(Path(path).read_bytes())

    def _folder_of(self, path: str) -> Folder:
        return self.folders.setdefault(os.path.dirname(path), Folder())  # noqa: PTH120 - a key

    def follow(self, record: Record) -> None:
        """Do what was done."""
        self._moment += 1
        match record.what:
            case What.WRITE:
                self._file(record.path).write(self._moment, record.offset, record.data)
            case What.TRUNCATE:
                self._file(record.path).truncate(self._moment, record.offset)
            case What.SYNC_BEGAN:
                self._synced(record.path).marks[record.thread] = self._moment
            case What.SYNC_DONE | What.SYNC_FAILED:
                is_done = record.what is What.SYNC_DONE
                self._synced(record.path).ended(record.thread, is_done=is_done)
            case _:
                self._name(record)

    def _file(self, path: str) -> File:
        """Return a file; one that has no name any more is not on the disk after a cut."""
        return self.seen[path] if path in self.seen else File()

    def _synced(self, path: str) -> File | Folder:
        return self.seen[path] if path in self.seen else self.folders.setdefault(path, Folder())

    def _name(self, record: Record) -> None:
        folder, path = self._folder_of(record.path), record.path
        match record.what:
            case What.CREATE:
                self.seen[path] = File()
                folder.newer.append((self._moment, path, self.seen[path], True))
            case What.FOLDER:
                self.folders[path] = Folder()
                folder.newer.append((self._moment, path, None, True))
            case What.REMOVE:
                self.seen.pop(path, None)
                folder.newer.append((self._moment, path, None, False))
            case What.RENAME:
                new = record.data.decode()
                moved = self.seen[new] = self.seen.pop(path)
                self._folder_of(new).newer.append((self._moment, new, moved, True))
                folder.newer.append((self._moment, path, None, False))
            case _:
                raise AssertionError(f"{record.what} changes no name")

    def cut(self, place: Path, chance: random.Random, keep: float) -> None:
        """Write what the disk may hold now into another folder, root to root.

        `keep` is the likelihood that an unsynced sector reached the disk; 0: none, 1: all.
        """
        self._write_out(self.root, place, chance, keep)

    def _write_out(self, folder: str, place: Path, chance: random.Random, keep: float) -> None:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, file in self.folders[folder].after_cut(chance, keep).items():
            target = place / Path(path).name
            if file is None:
                self._write_out(path, target, chance, keep)
            else:
                target.write_bytes(file.after_cut(chance, keep))
                target.chmod(0o600)
