"""A breaker per target: after failures in a row it keeps calls away for a while.

    closed ──failures──> open ──pause over──> half-open ──a probe succeeds──> closed
                          ^                       │
                          └────a probe fails──────┘   (the pause doubles, up to a bound)

Pure: `now` is an argument, in Unix milliseconds. What counts as failure is that the target is
down (no connection, timeout, 5xx), not that it refused one request.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from enum import StrEnum

import msgspec


class CircuitState(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a breaker opens, and for how long."""

    failures: int = 10
    """In a row."""
    pause_ms: int = 10_000
    pause_max_ms: int = 300_000
    probe_ms: int = 60_000
    """A probe that has not ended after this long no longer counts as under way."""


class Circuit(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one breaker; changed by `enter`, `succeeded` and `failed` only."""

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    """In a row, so far."""
    pause_ms: int = 0
    """How long it stays open; doubles with each failed probe."""
    until: int = 0
    """When the pause, or the wait for a probe, is over."""


def enter(circuit: Circuit, policy: CircuitPolicy, now: int) -> tuple[Circuit, int]:
    """Ask to make a call: the next state, and how many ms to stay away (0: go on)."""
    if circuit.state is CircuitState.CLOSED:
        return circuit, 0
    if now < circuit.until:
        return circuit, circuit.until - now
    probing = msgspec.structs.replace(
        circuit,
        state=CircuitState.HALF_OPEN,
        until=now + policy.probe_ms,
    )
    return probing, 0


def succeeded(_circuit: Circuit) -> Circuit:
    """Note that the target answered: closed, and nothing held against it."""
    return Circuit()


def failed(circuit: Circuit, policy: CircuitPolicy, now: int) -> Circuit:
    """Note that the target is down."""
    failures = circuit.failures + 1
    if circuit.state is CircuitState.OPEN:  # a call that began before it opened
        return msgspec.structs.replace(circuit, failures=failures)
    if circuit.state is CircuitState.CLOSED and failures < policy.failures:
        return msgspec.structs.replace(circuit, failures=failures)
    pause = min(circuit.pause_ms * 2 or policy.pause_ms, policy.pause_max_ms)
    return Circuit(
        state=CircuitState.OPEN, failures=failures, pause_ms=pause, until=now + pause,
    )  # fmt: skip


class Event(StrEnum):
    """What can happen to a breaker."""

    ENTERED = "entered"
    """A call was let through after a pause: the probe."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Happened(msgspec.Struct, frozen=True):
    """One thing that happened to a target's breaker here."""

    target: str
    event: Event
    at: int


def replay(
    states: Mapping[str, Circuit], happened: Iterable[Happened], policy: CircuitPolicy
) -> dict[str, Circuit]:
    """Return what breakers become by what happened to them; closed ones without fault drop out."""
    after = dict(states)
    for one in happened:
        circuit = after.get(one.target, Circuit())
        match one.event:
            case Event.ENTERED:
                circuit, _ = enter(circuit, policy, one.at)
            case Event.SUCCEEDED:
                circuit = succeeded(circuit)
            case Event.FAILED:
                circuit = failed(circuit, policy, one.at)
        if circuit == Circuit():
            after.pop(one.target, None)
        else:
            after[one.target] = circuit
    return after


class Circuits:
    """The breakers of all targets, made when first asked for; closed ones take no room."""

    def __init__(self, policy: CircuitPolicy | None = None) -> None:
        self.policy = policy or CircuitPolicy()
        self._circuits: dict[str, Circuit] = {}
        self.news: list[Happened] | None = None
        """What happened here since somebody last took it away; None where nobody will."""
        self.ask: Callable[[str], Awaitable[int]] | None = None
        """Asked before a probe, where others may send it too: how many ms to stay away."""

    def enter(self, target: str, now: int) -> int:
        """Ask to call a target: how many ms to stay away, 0 to go on."""
        before = self._circuits.get(target, Circuit())
        circuit, wait = enter(before, self.policy, now)
        if circuit != before and self.ask is None:  # who is asked tells of it
            self._note(target, Event.ENTERED, now)
        self._keep(target, circuit)
        return wait

    async def agree(self, target: str, now: int) -> int:
        """Ask to call a target; where that would be a probe, one of all who share it may go on."""
        wait = self.enter(target, now)
        is_probe = not wait and target in self._circuits and not self._is_closed(target)
        return await self.ask(target) if is_probe and self.ask is not None else wait

    def succeeded(self, target: str, now: int) -> None:
        """Note an answer of a target."""
        if self._circuits.pop(target, None) is not None:
            self._note(target, Event.SUCCEEDED, now)

    def failed(self, target: str, now: int) -> None:
        """Note that a target is down."""
        self._keep(target, failed(self._circuits.get(target, Circuit()), self.policy, now))
        self._note(target, Event.FAILED, now)

    def adopt(self, states: Mapping[str, Circuit]) -> None:
        """Take over what all nodes together know; what happened here since then is added."""
        self._circuits = replay(states, self.news or (), self.policy)

    def _is_closed(self, target: str) -> bool:
        return self._circuits[target].state is CircuitState.CLOSED

    def _note(self, target: str, event: Event, now: int) -> None:
        if self.news is not None:
            self.news.append(Happened(target, event, now))

    def _keep(self, target: str, circuit: Circuit) -> None:
        if circuit == Circuit():
            self._circuits.pop(target, None)
        else:
            self._circuits[target] = circuit

    @property
    def states(self) -> Mapping[str, Circuit]:
        """Every breaker that has something to say, by target, for stats."""
        return dict(self._circuits)
