"""One task for a model as the rule's author wrote it, filled for one event: what will be asked."""

from hashlib import sha256
from typing import Any, Literal

import msgspec

from hookagent.actions.agents import fence, wire
from hookagent.actions.agents.asking import Place
from hookagent.actions.agents.budget import Limits
from hookagent.actions.agents.tools import Tool
from hookagent.actions.egress import Permit
from hookagent.template import Scope

Approve = Literal["always", "tools", "never"]

TRANSCRIPT_BYTES_MAX = 32 * 1024
"""How much of a conversation is kept with the step."""


class Hidden:
    """Something a run needs and nobody is shown: the key, the event's scope."""

    __slots__ = ("scope", "secret")

    def __init__(self, secret: str, scope: Scope) -> None:
        self.secret = secret
        self.scope = scope

    def __repr__(self) -> str:
        return "***"


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What a million tokens cost, in US dollars."""

    input: float = 0.0
    output: float = 0.0

    def of(self, reply: wire.Reply) -> float:
        """Return what one answer cost."""
        return (reply.input_tokens * self.input + reply.output_tokens * self.output) / 1_000_000

    def at_most(self, input_tokens: int, output_tokens: int) -> float:
        """Return what so many tokens would cost."""
        return (input_tokens * self.input + output_tokens * self.output) / 1_000_000


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides what a model is asked and what may come of it."""

    api: wire.Interface
    url: str
    model: str
    system: str
    prompt: str
    data: Any
    """The named values of the event; None where there are none."""
    schema: dict[str, Any] | None
    tools: tuple[Tool, ...]
    approve: Approve
    max_tokens: int
    limits: Limits
    prices: Prices
    budget: str
    """Empty: the rule's own."""
    when_full: Literal["wait", "stop"]
    parameters: dict[str, Any]
    permit: Permit
    place: Place | None
    """Where a person is asked, besides the terminal."""
    hidden: Hidden

    @property
    def hash(self) -> str:
        """Return what tells this prompt from another: instructions, data and form together."""
        parts = [self.model, self.system, self.prompt, self.data, self.schema]
        return sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:16]

    def opening(self, seed: str) -> wire.Turn:
        """Return the first thing the model is told: the task, and the data behind its fence."""
        text = self.prompt
        if self.data is not None:
            text += "\n\n" + fence.fenced(self.data, seed=seed)
        return wire.Turn(who="user", text=text)

    def request(self, turns: tuple[wire.Turn, ...], seed: str) -> wire.Ask:
        """Return the request that goes on with a conversation."""
        return wire.Ask(
            model=self.model,
            system=self._system(),
            turns=(self.opening(seed), *turns),
            tools=tuple(tool.declaration for tool in self.tools),
            max_tokens=self.max_tokens,
            schema=self.schema,
            parameters=self.parameters,
        )

    def _system(self) -> str:
        parts = [self.system, fence.RULES]
        if self.schema is not None:
            form = msgspec.json.encode(self.schema).decode()
            parts.append(
                f"Your last answer is one JSON value that fits this schema, nothing else: {form}"
            )
        return "\n\n".join(part for part in parts if part)


def transcript(turns: tuple[wire.Turn, ...]) -> list[dict[str, Any]]:
    """Return a conversation as it is kept: the latest turns that fit."""
    kept: list[dict[str, Any]] = []
    room = TRANSCRIPT_BYTES_MAX
    for turn in reversed(turns):
        shown = msgspec.to_builtins(turn)
        room -= len(msgspec.json.encode(shown))
        if room < 0:
            break
        kept.append(shown)
    return kept[::-1]
