"""Timers of keys: when to look at which, without an entry for each time one is put off."""

import heapq


class Timers:
    """When which key of which rule is due; one entry each, however often it is put off."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str, str]] = []
        self._set: dict[tuple[str, str], int] = {}

    def set(self, place: tuple[str, str], due_at: int) -> None:
        """Ask to be told of a place at that time, or earlier: whoever is told looks again."""
        known = self._set.get(place)
        if known is None or known > due_at:
            self._set[place] = due_at
            heapq.heappush(self._heap, (due_at, *place))

    def pop(self, now: int) -> tuple[str, str] | None:
        """Return the earliest place that may be due by then, and forget it."""
        while self._heap and self._heap[0][0] <= now:
            at, *names = heapq.heappop(self._heap)
            place = (names[0], names[1])
            if self._set.get(place) == at:
                del self._set[place]
                return place
        return None

    @property
    def next_at(self) -> int | None:
        """When the earliest one may be due."""
        return self._heap[0][0] if self._heap else None
