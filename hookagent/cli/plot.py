"""Small plots in plain text: one character for each bar, the same in a pipe as on a terminal."""

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
DIGITS = "123456789"
"""Where the encoding has no blocks: tenths of the highest."""
NOTHING = "·"
NO_DOT = "."


def sparkline(numbers: Sequence[int], encoding: str | None = "utf-8") -> str:
    """Return a character for each number, as high as its share of the highest; a dot for none."""
    has_blocks = "utf" in (encoding or "").lower()
    levels, nothing = (BLOCKS, NOTHING) if has_blocks else (DIGITS, NO_DOT)
    highest = max(numbers, default=0)
    return "".join(
        levels[-(-number * len(levels) // highest) - 1] if number > 0 else nothing
        for number in numbers
    )


def rate(number: int, milliseconds: int) -> str:
    """Write how often something happened, in the unit that reads well: `3.2/s`, `12/min`."""
    if milliseconds <= 0:
        return "-"
    for unit, length in (("s", 1_000), ("min", 60_000), ("h", 3_600_000)):
        found = number * length / milliseconds
        if found >= 1:
            return f"{found:.3g}/{unit}" if found < 1_000 else f"{found:,.0f}/{unit}"  # noqa: PLR2004 - three digits are enough
    return f"{number * 86_400_000 / milliseconds:.3g}/day"
