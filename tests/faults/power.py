"""Lives of an agent on a watched disk, and what is left of it when the power goes at any moment.

One run of an agent under load gives a journal of its disk; every moment in it may be the one at
which the power goes. What the witness had heard by then must be in what the disk kept.
"""

import json
import random
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.disk import Disk, Faults, Record, What, environment, records
from tests.faults.oracle import EFFECTS, Witness, judge_runs, stored
from tests.patience import PATIENCE_S
from tests.whole.served import Served, serving

KEEPS = (0.0, 0.1, 0.5, 0.9, 1.0)
"""How much of what was not synced reaches the disk all the same, one of these at each cut."""
STATE = ".hookagent"
PROMISES_MIN = 10
"""In each life."""


@dataclass(slots=True)
class Told:
    """What the agent said of its runs, and when it was heard."""

    finished_at: dict[str, int] = field(default_factory=dict)

    def listen(self, agent: Served) -> threading.Thread:
        """Hear everything until the agent ends."""
        thread = threading.Thread(target=self._hear, args=(agent,))
        thread.start()
        return thread

    def _hear(self, agent: Served) -> None:
        while (news := agent.news.get())["event"] != "eof":
            if news["event"] == "ran" and news["state"] == "done":
                self.finished_at[news["id"]] = time.monotonic_ns()


@dataclass(slots=True)
class History:
    """Everything that is known of some lives of an agent."""

    project: Path
    journal: Path
    disk: Disk
    witness: Witness
    told: Told


def live(
    project: Path,
    shim: Path,
    *,
    seed: int,
    lives: int = 2,
    seconds: float = 1.5,
    trouble: Callable[[Faults, random.Random, threading.Event], None] | None = None,
) -> History:
    """Run an agent under load some times, killed each time, on a watched disk."""
    journal = project.parent / f"{project.name}.journal"
    faults = Faults(project.parent / f"{project.name}.faults")
    found = History(project, journal, Disk(project), Witness(threads=4, seed=seed), Told())
    environ = environment(shim, project, journal=journal, faults=faults)
    for _ in range(lives):
        end = threading.Event()
        with serving(project, environ=environ) as agent:
            threads = [found.told.listen(agent), *found.witness.load(agent, end)]
            if trouble is not None:
                threads.append(
                    threading.Thread(target=trouble, args=(faults, found.witness.random, end))
                )
                threads[-1].start()
            promised = len(found.witness.acknowledged)
            time.sleep(seconds * found.witness.random.uniform(0.5, 1.5))
            while len(found.witness.acknowledged) < promised + PROMISES_MIN:
                assert agent.process.poll() is None, agent.stderr
                time.sleep(0.05)  # on a machine that stood still: without promises none is broken
            agent.kill()
            end.set()
            for thread in threads:
                thread.join()
        faults.set()
    return found


@dataclass(slots=True)
class Cut:
    """What a power cut left, in a folder of its own, and what had been heard until then."""

    at_ns: int
    project: Path
    acknowledged: dict[str, str]
    finished: set[str]
    effects: Counter[str]


def cuts(history: History, count: int, chance: random.Random) -> Iterator[Cut]:
    """Cut the power at so many moments; each image is removed before the next is made."""
    noted = list(records(history.journal))
    moments = sorted(chance.sample(range(1, len(noted)), min(count, len(noted) - 1)))
    effects = str(history.disk.seen and Path(history.disk.root) / EFFECTS)
    done: Counter[str] = Counter()
    position = 0
    for moment in moments:
        for record in noted[position:moment]:
            history.disk.follow(record)
            done.update(_names(record, effects))
        position = moment
        place = history.project.parent / f"{history.project.name}-cut"
        history.disk.cut(place, chance, chance.choice(KEEPS))
        yield _cut_at(noted[moment - 1].at_ns, place, history, done)
        shutil.rmtree(place)


def _names(record: Record, effects: str) -> list[str]:
    """Return the effects a record of the journal shows: the outside world, which keeps them."""
    is_effect = record.what is What.WRITE and record.path == effects
    return record.data.decode().split() if is_effect else []


def _cut_at(at_ns: int, place: Path, history: History, done: Counter[str]) -> Cut:
    witness, told = history.witness, history.told
    (place / EFFECTS).unlink(missing_ok=True)  # what comes now is counted by itself
    return Cut(
        at_ns=at_ns,
        project=place,
        acknowledged={
            name: witness.acknowledged[name]
            for name, heard in witness.heard_at.items()
            if heard <= at_ns
        },
        finished={one for one, heard in told.finished_at.items() if heard <= at_ns},
        effects=Counter(done),
    )


def broken_at_once(cut: Cut) -> list[str]:
    """Look at what a cut left without starting anything: damage, and what was promised."""
    database = cut.project / STATE / "hookagent.db"
    if not database.exists():
        return [f"{len(cut.acknowledged)} promises, and no store"] if cut.acknowledged else []
    try:
        with closing(sqlite3.connect(database)) as looked:
            problems = looked.execute("PRAGMA integrity_check").fetchall()
            has_table = looked.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'")
            ids = set()
            if has_table.fetchone():
                ids = {row[0] for row in looked.execute("SELECT id FROM events")}
    except sqlite3.DatabaseError as error:
        return [f"the store is damaged: {error}"]
    broken = [f"the store is damaged: {problems[:2]}"] if problems != [("ok",)] else []
    return broken + [
        f"{name} was acknowledged as {one} and is lost"
        for name, one in cut.acknowledged.items()
        if one not in ids
    ]


def broken_after_start(cut: Cut) -> list[str]:
    """Start an agent on what a cut left, let it work everything off, and judge."""
    with serving(cut.project) as agent:
        worked_off(cut.project)
        agent.stop()
    broken = broken_at_once(cut)
    written = cut.project / EFFECTS
    later = Counter(written.read_text().split() if written.exists() else [])
    for event_id, document in stored(cut.project).items():
        name = json.loads(document["body"])["id"]
        if event_id in cut.finished and later[name]:
            broken.append(f"{name} was finished and is done again")
        effects = cut.effects[name] + later[name]
        broken += judge_runs(name, event_id, document["runs"], effects)
    return broken


def worked_off(project: Path, wait_s: float = 2 * PATIENCE_S) -> None:
    """Wait until every stored event has its run ended."""
    deadline = time.monotonic() + wait_s
    uri = f"file:{project / STATE / 'hookagent.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=PATIENCE_S)) as reader:
        while True:
            (events,) = reader.execute("SELECT count(*) FROM events").fetchone()
            (ended,) = reader.execute("SELECT count(*) FROM runs WHERE ended_at > 0").fetchone()
            if events == ended:
                return
            assert time.monotonic() < deadline, f"{ended} of {events} runs ended in time"
            time.sleep(0.05)
