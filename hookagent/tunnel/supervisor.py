"""Keeps one tunnel up: deadline, backoff, proof that it works, new addresses, expiry, clean end.

`supervise` starts a tunnel, passes on what it says and starts a new one when it went down in a way
that can recover. An address is announced only after a request through it reached our own
listener, because DNS and TLS of a fresh address take seconds and because some providers put a
page of their own in front. What a person must mend (a wrong token, an address in use) ends it
at once: trying again would hide the reason, and providers lock out those who insist.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hookagent.tunnel.base import (
    Down,
    Expiring,
    Kind,
    Level,
    Log,
    Reconnecting,
    Tunnel,
    TunnelEvent,
    Up,
    UrlChanged,
)


class Reached(StrEnum):
    """What a request through the public URL met."""

    OURS = "ours"
    """Our own listener."""
    NOTHING = "nothing"
    """No answer, or not ours yet; may still come."""
    OTHER = "other"
    """A page of the provider or another program."""
    INSPECTOR = "inspector"
    """Our inspector: it must never be public (SECURITY I1)."""


OnEvent = Callable[[TunnelEvent], None]
Probe = Callable[[str], Awaitable[Reached]]
"""Asks through a public URL whether our listener answers there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient the supervisor is; all in seconds."""

    start_seconds: float = 20.0
    """Until a started tunnel must be up."""
    probe_seconds: float = 30.0
    """How long a fresh address may take until it is reachable; then it is announced unproven."""
    probe_pause_seconds: float = 1.0
    recheck_seconds: float = 900.0
    """Between proofs while it is up: 2,880 a month, where ngrok's free plan has 20,000 requests."""
    first_delay_seconds: float = 1.0
    delay_seconds_max: float = 60.0
    warn_before_seconds: tuple[int, ...] = (600, 60)
    """When to say that an address will end."""
    stop_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Time, chance and the network, so that a test can bring its own."""

    probe: Probe | None = None
    """None: addresses are announced as the tunnel says them."""
    now: Callable[[], float] = time.time
    """Unix seconds."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[], float] = field(default=random.random)
    """From 0 to 1."""


def backoff_seconds(attempt: int, policy: Policy, draw: float) -> float:
    """Return the pause before an attempt, counted from 1: doubling, half fixed and half chance."""
    ceiling = min(
        policy.delay_seconds_max, policy.first_delay_seconds * 2.0 ** min(attempt - 1, 16)
    )
    return float(ceiling * (0.5 + draw / 2))


async def supervise(
    make: Callable[[], Tunnel],
    local_url: str,
    on_event: OnEvent,
    *,
    policy: Policy | None = None,
    around: Surroundings | None = None,
) -> Down:
    """Keep a tunnel up until it goes down for good; return why.

    `make` gives a fresh tunnel for every start. Cancelling ends the tunnel and its processes.
    """
    watch = _Watch(on_event, policy or Policy(), around or Surroundings())
    attempt = 0
    while True:
        down = await watch.once(make(), local_url)
        if not down.retryable:
            on_event(down)
            return down
        attempt = 1 if watch.was_up else attempt + 1
        on_event(Reconnecting(code=down.code, reason=down.message, attempt=attempt, hint=down.hint))
        await watch.around.sleep(backoff_seconds(attempt, watch.policy, watch.around.draw()))


class _Watch:
    """What must be remembered from one start to the next: the last address that was announced."""

    def __init__(self, on_event: OnEvent, policy: Policy, around: Surroundings) -> None:
        self.on_event = on_event
        self.policy = policy
        self.around = around
        self.was_up = False
        self._announced = ""
        self._current = ""
        self._side: list[asyncio.Task[None]] = []
        self._verdict: asyncio.Future[Down] | None = None

    async def once(self, tunnel: Tunnel, local_url: str) -> Down:
        """Run one tunnel to its end; nothing of it is left when this returns."""
        self.was_up = False
        self._current = ""
        self._verdict = asyncio.get_running_loop().create_future()
        try:
            async with aclosing(tunnel.start(local_url)) as stream:
                return await self._follow(tunnel, stream)
        finally:
            self._end_side_tasks()
            await asyncio.shield(tunnel.stop(self.policy.stop_seconds))

    async def _follow(self, tunnel: Tunnel, stream: AsyncIterator[TunnelEvent]) -> Down:
        deadline = asyncio.get_running_loop().time() + self.policy.start_seconds
        while True:
            event = await self._next(stream, None if self._current else deadline)
            match event:
                case Down():
                    return event
                case Up(url=url) | UrlChanged(new=url):
                    self._came_up(tunnel, url, event.expires_at)
                case _:
                    self.on_event(event)

    async def _next(
        self, stream: AsyncIterator[TunnelEvent], deadline: float | None
    ) -> TunnelEvent:
        """Wait for the tunnel's next word, a side task's verdict, or the deadline."""
        assert self._verdict is not None
        waiting = asyncio.ensure_future(anext(stream, ENDED))
        either: set[asyncio.Future[Any]] = {waiting, self._verdict}
        limit = None
        if deadline is not None:
            limit = max(0.0, deadline - asyncio.get_running_loop().time())
        try:
            await asyncio.wait(either, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            if self._verdict.done():
                return self._verdict.result()
            return too_slow(self.policy.start_seconds)
        finally:
            while not waiting.done():  # more than once: a library may swallow a cancellation
                waiting.cancel()
                await asyncio.wait({waiting}, timeout=CANCEL_SECONDS)
            if not waiting.cancelled():
                waiting.exception()  # has been heard, here or by whoever awaits the result

    def _came_up(self, tunnel: Tunnel, url: str, expires_at: int | None) -> None:
        """Prove and announce an address, and keep an eye on it from now on."""
        self._current = url.rstrip("/")
        self._end_side_tasks()
        self._start(self._announce(tunnel, self._current, expires_at))
        if expires_at is not None:
            self._start(self._count_down(self._current, expires_at))

    async def _announce(self, tunnel: Tunnel, url: str, expires_at: int | None) -> None:
        probed = self.around.probe is not None and tunnel.kind is Kind.EXPOSE
        if probed and not await self._prove(url):
            return
        self.was_up = True
        if self._announced and self._announced != url:
            self.on_event(UrlChanged(old=self._announced, new=url, expires_at=expires_at))
        else:
            self.on_event(Up(url=url, expires_at=expires_at))
        self._announced = url
        if probed:
            await self._recheck(url)

    async def _prove(self, url: str) -> bool:
        """Ask until the listener answers; False when the tunnel must not be used."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.policy.probe_seconds
        while True:
            reached = await self._ask(url)
            if reached is Reached.OURS:
                return True
            if reached is Reached.INSPECTOR:
                self._end(INSPECTOR_EXPOSED)
                return False
            if clock() >= deadline:
                self.on_event(Log(level=Level.WARNING, line=UNPROVEN[reached].format(url=url)))
                return True
            await self.around.sleep(self.policy.probe_pause_seconds)

    async def _recheck(self, url: str) -> None:
        """Ask from time to time; three silent answers in a row mean it must be built anew."""
        misses = 0
        while misses < MISSES_MAX:
            pause = self.policy.probe_pause_seconds if misses else self.policy.recheck_seconds
            await self.around.sleep(pause)
            reached = await self._ask(url)
            if reached is Reached.INSPECTOR:
                self._end(INSPECTOR_EXPOSED)
                return
            misses = 0 if reached is Reached.OURS else misses + 1
        self._end(Down(code="unreachable", message=f"`{url}` stopped answering", retryable=True))

    async def _ask(self, url: str) -> Reached:
        assert self.around.probe is not None
        return await self.around.probe(url)

    async def _count_down(self, url: str, expires_at: int) -> None:
        for before in self.policy.warn_before_seconds:
            left = expires_at / 1000 - self.around.now()
            if left < before:
                continue
            await self.around.sleep(left - before)
            self.on_event(Expiring(url=url, seconds_left=before))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._side_ended)
        self._side.append(task)

    def _side_ended(self, task: asyncio.Task[None]) -> None:
        """Hand a bug in a side task on to whoever awaits the supervisor."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and self._verdict is not None and not self._verdict.done():
            self._verdict.set_exception(error)

    def _end(self, down: Down) -> None:
        if self._verdict is not None and not self._verdict.done():
            self._verdict.set_result(down)

    def _end_side_tasks(self) -> None:
        for task in self._side:
            task.cancel()
        self._side.clear()


ENDED = Down(code="ended", message="the tunnel ended without saying why", retryable=True)
INSPECTOR_EXPOSED = Down(
    code="inspector-exposed",
    message="the tunnel leads to the inspector, which must never be public",
    hint="give the tunnel the listener's port, not the inspector's",
)
UNPROVEN = {
    Reached.NOTHING: "`{url}` does not answer yet; deliveries may be lost until it does",
    Reached.OTHER: "`{url}` is answered by something else, perhaps a page of the provider",
}
MISSES_MAX = 3
CANCEL_SECONDS = 0.5


def too_slow(seconds: float) -> Down:
    """Say that a tunnel did not come up in time."""
    return Down(
        code="start-timeout",
        message=f"the tunnel was not up within {seconds:g} s",
        hint="check the network, or allow more time",
        retryable=True,
    )
