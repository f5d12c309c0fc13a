"""How a program ended, sorted: what is done, what is worth another try, what is over."""

import os
from typing import Any

import msgspec

from hookagent.actions.base import Call
from hookagent.actions.child import Ended
from hookagent.job import Again, Done, Never, Outcome

FOR_GOOD = frozenset({os.EX_USAGE, os.EX_DATAERR, os.EX_NOINPUT, os.EX_NOPERM, os.EX_CONFIG, 126})
"""Exit codes of sysexits.h that say a repetition is of no use, and the shell's "cannot run"."""


def sort_ended(ended: Ended, call: Call) -> Outcome:
    """Sort how a program ended: 0 is done, some codes are for good, anything else is again."""
    output = output_of(ended)
    if ended.timed_out:
        error = f"killed after {call.timeout_ms / 1000:g} s"
        return Again(error=error, output=output)
    if ended.exit_code == 0:
        return Done(output)
    how = f"exit code {ended.exit_code}" if ended.exit_code > 0 else f"signal {-ended.exit_code}"
    last = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:LAST_LENGTH_MAX]
    error = f"{how}: {last}" if last else how
    if ended.exit_code in FOR_GOOD:
        return Never(error=error, output=output)
    return Again(error=error, output=output)


LAST_LENGTH_MAX = 200
"""How much of the last line of stderr goes into an error's sentence."""


def output_of(ended: Ended) -> dict[str, Any]:
    """Return what later steps may use; `json` where stdout is JSON."""
    stdout = ended.stdout.decode("utf-8", "replace")
    output: dict[str, Any] = {
        "exit_code": ended.exit_code,
        "stdout": stdout,
        "stderr": ended.stderr.decode("utf-8", "replace"),
    }
    if ended.is_cut:
        return {**output, "is_cut": True}
    if stdout.lstrip()[:1] in {"{", "["}:
        try:
            output["json"] = msgspec.json.decode(ended.stdout)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return output
    return output
