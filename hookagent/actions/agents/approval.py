"""A person's word on what a model wants: asked for, waited for, read.

The question lies in the step's output, where `hookagent approve` and the inspector find it; the
answer is a small value in the store under the question's key, so that it survives a restart and
reaches whichever machine goes on with the run.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

import msgspec

from hookagent.actions.base import Memory

Decision = Literal["yes", "no"]
PREFIX = "approval:"
ASKED = "waiting for a person's approval"
"""What a run says while nobody has answered."""
ASKED_LENGTH = 12
WAIT_MS_MIN = 1_000
WAIT_MS_MAX = 60_000
PATIENCE = 20
"""A question that is N seconds old is looked at every N/20 seconds."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is to decide."""

    key: str
    """Names the question and what is asked: another proposal is another question."""
    asked_at: int
    """Unix milliseconds."""
    what: Any
    """The proposal, as JSON."""


def question(call_key: str, what: Any, now: int) -> Question:
    """Make a question about a proposal."""
    told = msgspec.json.encode(what, order="deterministic")
    seen = sha256(told).hexdigest()[:ASKED_LENGTH]
    return Question(key=f"{call_key}-{seen}", asked_at=now, what=what)


def asked(output: Any) -> Question | None:
    """Return the open question in a step's output, or None."""
    found = output.get("approval") if isinstance(output, Mapping) else None
    try:
        return None if found is None else msgspec.convert(found, Question)
    except msgspec.ValidationError:
        return None


def wait_ms(asked_at: int, now: int) -> int:
    """Return when to look again: soon at first, less often the longer nobody answers."""
    return min(max((now - asked_at) // PATIENCE, WAIT_MS_MIN), WAIT_MS_MAX)


async def decision(memory: Memory, key: str) -> Decision | None:
    """Return what a person said, or None."""
    value = await memory.kept(PREFIX + key)
    if value is None:
        return None
    return "yes" if value == b"yes" else "no"


async def decide(memory: Memory, key: str, said: Decision) -> None:
    """Write down what a person said."""
    await memory.keep(PREFIX + key, said.encode())


async def forget(memory: Memory, key: str) -> None:
    """Let go of an answer that was acted upon."""
    await memory.keep(PREFIX + key, None)
