"""Running an agent until Ctrl-C, and telling what happens: what `serve` and `forward` share."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hookagent.cli import output
from hookagent.cli.clock import clock
from hookagent.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from hookagent.cli.live import Line, Live
    from hookagent.config.model import Config
    from hookagent.pipeline.feed import Feed, Subscription
    from hookagent.runtime import Choices

MODES = ("interactive", "compact", "quiet", "json")
GC_THRESHOLD = 20_000
"""Objects made between two collections."""
STOPS = (signal.SIGINT, signal.SIGTERM)
SAME_STOP_S = 0.5
"""Signals so close together are one wish: a terminal and whoever started us may both send one."""
TICK_S = 0.25
"""How often held lines are looked at."""


def chosen_mode(mode: str | None, *, as_json: bool) -> str:
    """Return how to tell what happens. Raises UsageError."""
    if as_json:
        return "json"
    wanted = mode or ("interactive" if output.is_terminal() else "compact")
    if wanted not in MODES:
        raise UsageError(f"unknown output `{wanted}`", hint="known: " + ", ".join(MODES))
    return wanted


def run_agent(config: "Config", choices: "Choices", mode: str) -> ExitCode:
    """Run an agent until Ctrl-C, telling what happens."""
    _hear_of_children()
    return _run(_serve(config, choices, mode))


def _hear_of_children() -> None:
    """Let the system keep how our programs end, even where whoever started us did not care.

    An ignored SIGCHLD is inherited, and then nobody can tell a failure from a success.
    """
    ends = getattr(signal, "SIGCHLD", None)
    if ends is not None and signal.getsignal(ends) is signal.SIG_IGN:
        signal.signal(ends, signal.SIG_DFL)


def _run(work: "asyncio._CoroutineLike[ExitCode]") -> ExitCode:
    """Run in uvloop where the platform has it: a third faster on the accept path."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)  # type: ignore[arg-type]  # any coroutine will do
    return uvloop.run(work)  # type: ignore[arg-type]  # as above


async def _serve(config: "Config", choices: "Choices", mode: str) -> ExitCode:
    from hookagent.pipeline.feed import Feed
    from hookagent.runtime import Agent

    loop = asyncio.get_running_loop()
    feed = Feed()
    agent = Agent(config, feed, choices)
    stops = _Stops(agent.hurry)
    stopped = loop.create_task(stops.first.wait())
    said = loop.create_task(_say(feed, mode))
    await asyncio.sleep(0)  # the teller listens before anything happens
    try:
        if await _unless(stopped, agent.start()):
            _settle_memory()
            try:
                await _unless(stopped, agent.public.opened())
                await stopped
            finally:
                await agent.stop()
    finally:
        stopped.cancel()
        feed.close()
        await said
    return ExitCode.INTERRUPTED if stops.is_hurried else ExitCode.DONE


class _Stops:
    """Ctrl-C or SIGTERM: the first asks for a clean stop, the second for one at once.

    The third is the system's again and ends the process. What was acknowledged is on disk by then.
    """

    def __init__(self, hurry: Callable[[], None]) -> None:
        self.first = asyncio.Event()
        self.is_hurried = False
        self._hurry = hurry
        self._first_at = 0.0
        self._loop = asyncio.get_running_loop()
        for name in STOPS:
            self._loop.add_signal_handler(name, self._heard)

    def _heard(self) -> None:
        now = self._loop.time()
        if not self.first.is_set():
            self._first_at = now
            self.first.set()
        if now - self._first_at < SAME_STOP_S:
            return
        self.is_hurried = True
        for name in STOPS:
            self._loop.remove_signal_handler(name)
            signal.signal(name, signal.SIG_DFL)
        self._hurry()


async def _unless(stopped: "asyncio.Task[Any]", work: Coroutine[Any, Any, None]) -> bool:
    """Do some work, and let go of it when a stop comes first; say whether it was done.

    A store or a tunnel out of reach may take for ever, and Ctrl-C must not wait for it.
    """
    doing = asyncio.ensure_future(work)
    await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not doing.done():
        doing.cancel()
    with suppress(asyncio.CancelledError):
        await doing
    return not doing.cancelled()


def _settle_memory() -> None:
    """Leave what start-up made out of garbage collections, and hold them less often.

    A delivery makes a few dozen objects and no cycles; the default threshold of 700 would look for
    cycles after every tenth of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 20)


async def _say(feed: "Feed", mode: str) -> None:
    """Tell what happens, in the mode asked for.

    Writing is left to a thread: a reader that stops reading must not stop the agent. What it
    misses then is dropped by the feed, and is in the store anyway.
    """
    subscription = feed.subscribe(every=mode != "quiet")
    if mode == "json":
        import msgspec

        encode = msgspec.json.Encoder().encode
        while news := await subscription.batch():
            await asyncio.to_thread(output.raw, b"".join([encode(one) + b"\n" for one in news]))
        return
    from hookagent.cli.live import Live

    ticks = (output.mark(good=True), output.mark(good=False))
    await _say_lines(subscription, Live(width=output.width(), ticks=ticks, mode=mode))


async def _say_lines(subscription: "Subscription", live: "Live") -> None:
    batch = asyncio.ensure_future(subscription.batch())
    while True:
        done, _ = await asyncio.wait({batch}, timeout=TICK_S)
        lines: list[Line] = []
        if done:
            news = batch.result()
            if not news:
                break
            lines += [line for happening in news for line in live.lines(happening)]
            batch = asyncio.ensure_future(subscription.batch())
        lines += live.due(clock())
        if lines:
            await asyncio.to_thread(_write, lines)
    await asyncio.to_thread(_write, list(live.flush()))


def _write(lines: "list[Line]") -> None:
    for line in lines:
        output.data(*line)
    output.flush()
