"""Where commands read the time."""

import time


def clock() -> int:
    """Return Unix milliseconds."""
    return time.time_ns() // 1_000_000
