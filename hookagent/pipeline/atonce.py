"""Runs that are over as soon as they begin, as one that only logs is: done first, then recorded.

They are written once, as they ended, together with their event's routing. A process that dies in
between does them again, as it would any step under way.
"""

from collections.abc import Callable
from typing import NamedTuple

from hookagent.actions.registry import is_instant
from hookagent.event import Event
from hookagent.pipeline.hands import may_wait
from hookagent.rules.model import Rule
from hookagent.store.base import Run

Do = Callable[[Run, Event], Callable[[], None]]
"""Does a run, and returns what tells of it once it is on disk."""


class _Done(NamedTuple):
    run: Run
    tell: Callable[[], None]


def are_over_at_once(rule: Rule) -> bool:
    """Whether the runs of a rule are such.

    Conditions over time are judged again where a commit fails, and may then answer otherwise.
    """
    is_plain = len(rule.do) == 1 and may_wait(rule) and not rule.is_over_time
    return is_plain and is_instant(rule.do[0].action)


class AtOnce:
    """Those of the batch under way, until they are on disk."""

    def __init__(self, do: Do) -> None:
        self._do = do
        self._done: dict[tuple[str, str], _Done] = {}

    def done(self, run: Run, event: Event) -> Run:
        """Do a run and return it; where a commit failed, the one that was done then."""
        place = event.id, run.rule
        done = self._done.get(place)
        if done is None:
            done = self._done[place] = _Done(run, self._do(run, event))
        return done.run

    def tell(self, event: Event, run: Run) -> None:
        """Tell of a run that is on disk, if it is one of these."""
        done = self._done.get((event.id, run.rule))
        if done is not None and done.run is run:
            done.tell()

    def clear(self) -> None:
        """Forget them: the batch is on disk."""
        self._done.clear()
