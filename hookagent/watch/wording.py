"""Durations and sizes in words, rounded the way a person reads them."""

_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))


def duration(milliseconds: int) -> str:
    """Return the two largest units: `1 d 2 h`, `4 min 10 s`; below a second `0 s`."""
    rest = max(milliseconds, 0)
    parts: list[str] = []
    for unit, length in _UNITS:
        count, rest = divmod(rest, length)
        if count or (parts and len(parts) < 2):  # noqa: PLR2004 - two units are read, more are not
            parts.append(f"{count} {unit}")
        if len(parts) == 2:  # noqa: PLR2004 - as above
            break
    shown = [part for part in parts if not part.startswith("0 ")]
    return " ".join(shown) or "0 s"


def size(count: int) -> str:
    """Return bytes in the largest binary unit that leaves a whole number above one."""
    value, unit = count, "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:  # noqa: PLR2004 - the step between binary units
            break
        value, unit = value // 1024, larger
    return f"{value} {unit}"
