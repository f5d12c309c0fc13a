"""JSON in the canonical form of RFC 8785 (JCS), for the one family of schemes that signs it."""

import json
import math
from typing import Any

SAFE_INTEGER = 2**53
"""JCS numbers are IEEE doubles; integers beyond this are rounded as ECMAScript does."""


def canonical_json(value: Any) -> bytes | None:
    """Write a decoded JSON value canonically; None for numbers JCS cannot write."""
    try:
        return _write(value).encode("utf-8")
    except (ValueError, OverflowError):
        return None


def _write(value: Any) -> str:
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return str(value) if abs(value) <= SAFE_INTEGER else _write_float(float(value))
        case float():
            return _write_float(value)
        case list():
            return "[" + ",".join([_write(item) for item in value]) + "]"
        case _:
            return _write_object(value)


def _write_object(value: dict[str, Any]) -> str:
    """Members sorted by the UTF-16 code units of their names (RFC 8785 section 3.2.3)."""
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    items = [f"{json.dumps(name, ensure_ascii=False)}:{_write(value[name])}" for name in names]
    return "{" + ",".join(items) + "}"


def _write_float(value: float) -> str:
    """ECMAScript's Number::toString (ECMA-262 section 6.1.6.1.20), the shortest that reads back."""
    if not math.isfinite(value):
        raise ValueError("not a JSON number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent_text = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    point = len(whole) - leading + int(exponent_text or 0)
    digits = digits.rstrip("0")
    return sign + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    """Lay out significant digits `0.d1d2… x 10^point` as ECMAScript does."""
    count = len(digits)
    if count <= point <= 21:  # noqa: PLR2004 - the limits are the specification's own
        return digits + "0" * (point - count)
    if 0 < point <= 21:  # noqa: PLR2004 - the limits are the specification's own
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:  # noqa: PLR2004 - the limits are the specification's own
        return "0." + "0" * -point + digits
    power = point - 1
    rest = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"
