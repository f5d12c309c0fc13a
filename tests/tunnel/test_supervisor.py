"""Pure but for the event loop: what the supervisor does with what a tunnel says."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookagent.tunnel.base import (
    Down,
    Expiring,
    Kind,
    Level,
    Log,
    Readiness,
    Reconnecting,
    Starting,
    TunnelEvent,
    Up,
    UrlChanged,
)
from hookagent.tunnel.supervisor import Policy, Reached, Surroundings, backoff_seconds, supervise
from tests.patience import PATIENCE_S

A, B = "https://a.example.test", "https://b.example.test"
BROKEN = Down(code="agent-died", message="it died", retryable=True)
REFUSED = Down(code="err-ngrok-105", message="wrong token")


class Scripted:
    """A tunnel that says what a test wants; a number is a pause for ever until it is stopped."""

    name = "scripted"
    kind = Kind.EXPOSE
    preserves_bytes = True
    stable_url = False

    def __init__(self, script: Iterable[TunnelEvent | Callable[[], object]]) -> None:
        self.script = list(script)
        self.stopped = 0

    async def check(self) -> Readiness:
        return Readiness(ready=True, detail="")

    async def start(self, local_url: str) -> AsyncGenerator[TunnelEvent, None]:
        for step in self.script:
            if callable(step):
                await step()  # type: ignore[misc]  # a script's pauses are coroutine functions
            else:
                yield step

    async def stop(self, grace_seconds: float = 5.0) -> None:
        self.stopped += 1


class Supervised:
    """A supervised run: its tunnels, its events and the pauses it made."""

    def __init__(self, *scripts, probe=None, policy=None, now=lambda: 0.0) -> None:
        self.tunnels = [Scripted(script) for script in scripts]
        self.events: list[TunnelEvent] = []
        self.pauses: list[float] = []
        self._left = iter(self.tunnels)
        self._heard = asyncio.Event()
        around = Surroundings(probe=probe, now=now, sleep=self._sleep, draw=lambda: 1.0)
        self.task = asyncio.ensure_future(
            supervise(
                lambda: next(self._left), "http://l", self._hear, policy=policy, around=around
            )
        )

    def _hear(self, event: TunnelEvent) -> None:
        self.events.append(event)
        self._heard.set()

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def end(self) -> Down:
        async with asyncio.timeout(PATIENCE_S):
            return await self.task

    async def until(self, event: TunnelEvent) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while event not in self.events:
                self._heard.clear()
                await self._heard.wait()

    async def cancel(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


async def for_ever() -> None:
    await asyncio.Event().wait()


async def a_moment() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_a_person_must_mend_ends_it_at_once():
    run = Supervised([Starting(), REFUSED])

    assert await run.end() == REFUSED
    assert run.events == [Starting(), REFUSED]
    assert run.pauses == []
    assert run.tunnels[0].stopped == 1


async def test_what_can_recover_is_started_anew_with_growing_pauses():
    run = Supervised([BROKEN], [BROKEN], [BROKEN], [REFUSED])

    await run.end()

    assert run.pauses == [1.0, 2.0, 4.0]
    assert [event.attempt for event in run.events if isinstance(event, Reconnecting)] == [1, 2, 3]
    assert all(tunnel.stopped == 1 for tunnel in run.tunnels)


async def test_attempts_count_from_the_last_time_it_was_up():
    run = Supervised([BROKEN], [BROKEN], [Up(url=A), a_moment, BROKEN], [REFUSED])

    await run.end()

    assert run.pauses == [1.0, 2.0, 1.0]


async def test_another_address_after_a_restart_is_announced_as_changed():
    run = Supervised(
        [Up(url=A), a_moment, BROKEN], [Up(url=B + "/", expires_at=None), a_moment, REFUSED]
    )

    await run.end()

    assert Up(url=A) in run.events
    assert UrlChanged(old=A, new=B) in run.events


async def test_the_same_address_after_a_restart_is_up_again():
    run = Supervised([Up(url=A), a_moment, BROKEN], [Up(url=A), a_moment, REFUSED])

    await run.end()

    assert run.events.count(Up(url=A)) == 2


async def test_a_change_while_it_is_up_is_announced():
    run = Supervised([Up(url=A), a_moment, UrlChanged(old=A, new=B), a_moment, REFUSED])

    await run.end()

    assert UrlChanged(old=A, new=B) in run.events


async def test_a_tunnel_that_says_nothing_is_given_up():
    run = Supervised([for_ever], [REFUSED], policy=Policy(start_seconds=0.05))

    await run.end()

    assert run.events[0] == Reconnecting(
        code="start-timeout",
        reason="the tunnel was not up within 0.05 s",
        attempt=1,
        hint="check the network, or allow more time",
    )
    assert run.tunnels[0].stopped == 1


async def test_a_tunnel_that_just_ends_is_started_anew():
    run = Supervised([Starting()], [REFUSED])

    await run.end()

    lost = Reconnecting(code="ended", reason="the tunnel ended without saying why", attempt=1)
    assert lost in run.events


async def test_an_address_is_announced_when_it_answers():
    answers = iter([Reached.NOTHING, Reached.OTHER, Reached.OURS])
    asked = []

    async def probe(url):
        asked.append(url)
        answer = next(answers, None)
        if answer is None:
            await for_ever()
        assert answer is not None
        return answer

    run = Supervised([Up(url=A), for_ever], probe=probe)
    await run.until(Up(url=A))
    await run.cancel()

    assert asked[:3] == [A, A, A]
    assert run.pauses[:2] == [1.0, 1.0]


async def test_an_address_that_never_answers_is_announced_with_a_warning():
    async def probe(url):
        return Reached.OTHER

    run = Supervised(
        [Up(url=A), for_ever], probe=probe, policy=Policy(probe_seconds=0, recheck_seconds=9)
    )
    await run.until(Up(url=A))
    await run.cancel()

    assert isinstance(run.events[0], Log)
    assert run.events[0].level is Level.WARNING
    assert A in run.events[0].line


async def test_a_way_to_the_inspector_ends_it_for_good():
    async def probe(url):
        return Reached.INSPECTOR

    run = Supervised([Up(url=A), for_ever], probe=probe)

    assert (await run.end()).code == "inspector-exposed"
    assert Up(url=A) not in run.events


async def test_an_address_that_stops_answering_is_built_anew():
    answers = iter([Reached.OURS, Reached.OURS, *[Reached.NOTHING] * 3])

    async def probe(url):
        return next(answers)

    run = Supervised([Up(url=A), for_ever], [REFUSED], probe=probe)
    await run.end()

    lost = Reconnecting(code="unreachable", reason=f"`{A}` stopped answering", attempt=1)
    assert lost in run.events


async def test_a_relay_is_not_probed():
    async def probe(url):
        raise AssertionError

    run = Supervised([Up(url=A), for_ever], probe=probe)
    run.tunnels[0].kind = Kind.RELAY
    await run.until(Up(url=A))
    await run.cancel()


async def test_the_end_of_an_address_is_counted_down():
    run = Supervised([Up(url=A, expires_at=3_600_000), for_ever])
    await run.until(Expiring(url=A, seconds_left=60))
    await run.cancel()

    assert run.events[1:] == [
        Expiring(url=A, seconds_left=600),
        Expiring(url=A, seconds_left=60),
    ]
    assert run.pauses == [3000.0, 3540.0]


async def test_warnings_that_are_past_are_left_out():
    run = Supervised([Up(url=A, expires_at=120_000), for_ever])
    await run.until(Expiring(url=A, seconds_left=60))
    await run.cancel()

    assert Expiring(url=A, seconds_left=600) not in run.events


async def test_cancelling_stops_the_tunnel():
    run = Supervised([Up(url=A), for_ever])
    await run.until(Up(url=A))

    await run.cancel()

    assert run.task.cancelled()
    assert run.tunnels[0].stopped == 1


async def test_a_tunnel_that_overhears_being_cancelled_is_ended_all_the_same():
    async def overhear() -> None:
        with suppress(asyncio.CancelledError):
            await for_ever()
        await for_ever()

    run = Supervised([Up(url=A), overhear])
    await run.until(Up(url=A))

    async with asyncio.timeout(PATIENCE_S):
        await run.cancel()

    assert run.tunnels[0].stopped == 1


async def test_a_bug_in_a_probe_is_not_swallowed():
    async def probe(url):
        raise ZeroDivisionError

    run = Supervised([Up(url=A), for_ever], probe=probe)

    with pytest.raises(ZeroDivisionError):
        await run.end()
    assert run.tunnels[0].stopped == 1


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1))
def test_pauses_are_bounded_and_never_nothing(attempt, draw):
    policy = Policy()

    pause = backoff_seconds(attempt, policy, draw)

    assert policy.first_delay_seconds / 2 <= pause <= policy.delay_seconds_max
