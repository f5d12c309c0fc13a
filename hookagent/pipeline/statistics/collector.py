"""Counts what happens. The front door and the runs only append; adding up is done now and then.

What is appended is counted equal by equal in one C loop (`Counter`) before anything else is done
with it, so that a delivery costs a fraction of a microsecond.
"""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from hookagent.pipeline.statistics.figures import Figures, cause_of, named

PENDING_MAX = 16_384
"""Things appended before they are added up in any case: bounds the memory."""

ERROR_MAX = 2_000
"""Characters of an error that are looked at."""

Delivery = tuple[str, str, str, str, int]
"""Source, type, outcome, code, milliseconds to the answer."""
Ending = tuple[str, str, str, str, str, int]
"""Rule, source, type, state, cause, milliseconds since the event came."""
Try = tuple[str, str, str, int]
"""Action, outcome, error, milliseconds."""


class Collector:
    """What one agent counted since it was last taken."""

    __slots__ = ("_deliveries", "_endings", "_figures", "_mask", "_tries")

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._deliveries: list[Delivery] = []
        self._endings: list[Ending] = []
        self._tries: list[Try] = []
        self._figures = Figures()

    def delivered(self, delivery: Delivery) -> None:
        """Count an answered delivery."""
        self._deliveries.append(delivery)
        if len(self._deliveries) >= PENDING_MAX:
            self.add_up()

    def ended(self, ending: Ending) -> None:
        """Count a run that began (`begun`) or came to a stop.

        `done`, `dead`, `waiting` for its next try, or `held` until it may be tried.
        """
        self._endings.append(ending)
        if len(self._endings) >= PENDING_MAX:
            self.add_up()

    def tried(self, one: Try) -> None:
        """Count one try of a step."""
        self._tries.append(one)
        if len(self._tries) >= PENDING_MAX:
            self.add_up()

    def add_up(self) -> Figures:
        """Add what was appended to the figures, and return them."""
        for deliveries, number in _counted(self._deliveries):
            self._add_delivery(deliveries, number)
        for endings, number in _counted(self._endings):
            self._add_ending(endings, number)
        for tries, number in _counted(self._tries):
            self._add_try(tries, number)
        return self._figures

    def take(self) -> Figures:
        """Return what was counted, and begin anew."""
        figures = self.add_up()
        self._figures = Figures()
        return figures

    def _add_delivery(self, delivery: Delivery, number: int) -> None:
        source, kind, outcome, code, ms = delivery
        figures = self._figures
        subject = ("source", source)
        figures.count(subject, outcome, number)
        figures.time(subject, "answer", ms, number)
        if outcome == "rejected":
            figures.cause(subject, code or "refused", number)
        elif kind:
            figures.count(("type", named(f"{source}/{kind}")), outcome, number)

    def _add_ending(self, ending: Ending, number: int) -> None:
        rule, source, kind, state, error, ms = ending
        figures = self._figures
        subjects = [("rule", named(rule)), ("source", source)]
        if kind:
            subjects.append(("type", named(f"{source}/{kind}")))
        cause = self._cause(error) if error else ""
        for subject in subjects:
            figures.count(subject, state, number)
            if state == "dead" or cause:
                figures.cause(subject, cause or "no reason given", number)
            if state in {"done", "dead"}:
                figures.time(subject, "run", ms, number)

    def _add_try(self, one: Try, number: int) -> None:
        action, outcome, error, ms = one
        subject = ("action", named(action))
        self._figures.count(subject, outcome, number)
        self._figures.time(subject, "try", ms, number)
        if error:
            self._figures.cause(subject, self._cause(error), number)

    def _cause(self, error: str) -> str:
        """Return what to count an error as; masked first, as a half of a secret is not found."""
        return cause_of(self._mask(error.partition("\n")[0][:ERROR_MAX]))


T = TypeVar("T", Delivery, Ending, Try)


def _counted(appended: list[T]) -> list[tuple[T, int]]:
    """Count equal ones, and empty the list."""
    if not appended:
        return []
    found = list(Counter(appended).items())
    appended.clear()
    return found
