"""A source's handshakes at the front door: answered, kept, confirmed.

`providers.handshake` decides what to answer; here is what an answer leads to. A key that a provider
hands over is kept in the state folder and counts as a secret of the source from then on; it is
taken only while the source is armed (`hookagent sources arm NAME`), for a few minutes.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from hookagent.actions.base import Call, Outside
from hookagent.actions.client import Refused, Request, Unreachable, client_of
from hookagent.config.model import Config, Source
from hookagent.config.vault import given_file
from hookagent.durable import keep_name
from hookagent.event import RawRequest
from hookagent.pipeline.answer import Answer
from hookagent.providers.handshake import Handshakes as Rules
from hookagent.verdict import Verdict

CONFIRM_MS = 20_000
ARMED_S = 600
"""How long a source stays armed."""


def armed_file(state_folder: Path, source: str) -> Path:
    """Return the file whose presence and age say that a source is armed."""
    return state_folder / "armed" / source


def arm(state_folder: Path, source: str) -> None:
    """Let a source take a key for the next minutes."""
    path = armed_file(state_folder, source)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text("", "utf-8")


def is_armed(state_folder: Path, source: str) -> bool:
    """Whether a source may take a key now."""
    try:
        age = time.time() - armed_file(state_folder, source).stat().st_mtime
    except OSError:
        return False
    return 0 <= age < ARMED_S


def _keep_key(state_folder: Path, source: str, key: str) -> None:
    """Write the key with mode 0600, whole or not at all."""
    path = given_file(state_folder, source)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    keep_name(path, folders=3)


class SourceHandshakes:
    """The handshakes of one source, with what their answers lead to."""

    def __init__(
        self,
        rules: Rules,
        source: Source,
        state_folder: Path,
        *,
        take_key: Callable[[str], None],
        fetch: Callable[[str], None],
    ) -> None:
        self._rules = rules
        self._source = source
        self._state_folder = state_folder
        self._take_key = take_key
        self._fetch = fetch

    @property
    def methods(self) -> tuple[str, ...]:
        """Methods they come by."""
        return self._rules.methods

    def answer(self, request: RawRequest, verdict: Verdict) -> Answer | None:
        """Return what the provider expects, or None where this is an ordinary delivery."""
        found = self._rules.answer(request, verdict)
        if found is None:
            return None
        if found.key:
            _keep_key(self._state_folder, self._source.name, found.key)
            armed_file(self._state_folder, self._source.name).unlink(missing_ok=True)
            self._take_key(found.key)
        if found.fetch:
            armed_file(self._state_folder, self._source.name).unlink(missing_ok=True)
            self._fetch(found.fetch)
        return Answer(found.status, found.body, found.content_type, found.headers)


async def confirm(outside: Outside, url: str) -> str:
    """Ask for an address that confirms a subscription; returns what to tell the operator.

    Its host is pinned already; the client refuses local addresses whatever the name leads to.
    """
    client = await client_of(outside)
    call = Call(idempotency_key="", run_id="", event_id="", source="", timeout_ms=CONFIRM_MS)
    try:
        answer = await client.send(Request(method="GET", url=url), call)
    except (Refused, Unreachable) as error:
        return f"a subscription could not be confirmed: {error}"
    return f"confirmed a subscription: {answer.status}"


def handshakes_of(
    source: Source,
    config: Config,
    *,
    take_key: Callable[[str], None],
    fetch: Callable[[str], None],
) -> SourceHandshakes | None:
    """Return a source's handshakes, None where it has none."""
    if not source.handshakes:
        return None
    rules = Rules(
        source.handshakes,
        source.scheme,
        secrets=source.secrets,
        settings=dict(source.settings),
        base_url=source.base_url or config.server.public_url or "",
        is_armed=lambda: is_armed(config.state_folder, source.name),
    )
    return SourceHandshakes(rules, source, config.state_folder, take_key=take_key, fetch=fetch)
