"""How much of something failed lately: counts of the last ten minutes, a cell for each minute."""

from collections import deque

CELL_MS = 60_000
CELLS = 10


class Tally:
    """Good and bad of one subject."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: deque[list[int]] = deque(maxlen=CELLS)

    def add(self, at: int, *, is_bad: bool) -> None:
        """Count one; `at` is Unix milliseconds and hardly goes back."""
        cell = at // CELL_MS
        if not self._cells or self._cells[-1][0] < cell:
            self._cells.append([cell, 0, 0])
        self._cells[-1][1 + is_bad] += 1

    def counts(self, now: int) -> tuple[int, int]:
        """Return good and bad of the last ten minutes."""
        oldest = now // CELL_MS - CELLS + 1
        cells = [cell for cell in self._cells if cell[0] >= oldest]
        return sum(cell[1] for cell in cells), sum(cell[2] for cell in cells)
