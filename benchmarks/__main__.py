"""`python -m benchmarks NAME [options]`: runs one of them, or says what there is."""

import sys
from importlib import import_module
from importlib.util import find_spec

NAMES = (
    "accept",
    "pipeline",
    "latency",
    "match",
    "history",
    "start",
    "kill",
    "soak",
    "scale",
    "capacity",
    "github",
    "page",
)


def main() -> int:
    """Run one benchmark."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in NAMES or find_spec(f"benchmarks.{name}") is None:
        print(f"usage: python -m benchmarks {{{','.join(NAMES)}}} [--help]", file=sys.stderr)
        return 2
    result: int = import_module(f"benchmarks.{name}").main(sys.argv[2:])
    return result


if __name__ == "__main__":
    sys.exit(main())
