"""Answers a coding agent's questions about what arrived here; every answer is a text.

Looking changes nothing. The one thing that acts, `replay_event`, is there only where a person
started the server with `--allow-write`.
"""

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from hookagent import eventfile
from hookagent.actions import registry
from hookagent.config.model import Config, Source
from hookagent.errors import NotFound, UsageError
from hookagent.event import Event, Headers, RawRequest
from hookagent.eventfile import Captured, parse_time
from hookagent.located import parse_duration
from hookagent.mcp import arguments as given
from hookagent.mcp.shown import Shown
from hookagent.pipeline.comparing import differences
from hookagent.pipeline.entrance import entrance
from hookagent.pipeline.history import decoded
from hookagent.pipeline.masking import masked
from hookagent.pipeline.origin import mark_replay
from hookagent.pipeline.presence import listener_url
from hookagent.pipeline.replay import Edit, at_source, edited, parse_set, resigned
from hookagent.pipeline.rulebook import Rulebook, compile_rulebook, load_rulebook, rule_files
from hookagent.providers.diagnose import Case, diagnose
from hookagent.rules.explain import explain, nearest_first
from hookagent.rules.model import Case as RuleCase
from hookagent.rules.model import Rule
from hookagent.rules.parse import read_rules
from hookagent.rules.testing import run_tests
from hookagent.store.base import EventFilter, EventRecord, EventSummary, Store
from hookagent.template import Scope, TemplateError
from hookagent.verdict import Code, Integrity, Verdict

LOOK_S = 0.25
"""How often the store is asked while an event is awaited."""
EXPLAINED_MAX = 10
DRAFT = "draft.toml"


class Desk:
    """Answers questions about one project and its store."""

    def __init__(self, config: Config, store: Store, clock: Callable[[], int]) -> None:
        self.config = config
        self.store = store
        self.clock = clock
        self.shown = Shown(config, secrets.token_hex(16))

    # Events.

    async def list_events(self, asked: given.Filter) -> str:
        """List events, the newest first."""
        found = await self.store.events(self._filter(asked))
        rows = [self.shown.row(one) for one in found]
        return self.shown.fenced(rows, intro=f"{len(rows)} events, the newest first:")

    async def search_events(self, asked: given.Search) -> str:
        """List events whose body holds a text."""
        wanted = msgspec.structs.replace(self._filter(asked), text=asked.text)
        rows = [self.shown.row(one) for one in await self.store.events(wanted)]
        return self.shown.fenced(rows, intro=f"{len(rows)} events, the newest first:")

    async def get_event(self, asked: given.OneEvent) -> str:
        """Show one event in full."""
        record = await self.record(asked.event)
        document = self.shown.event(record, asked.max_bytes)
        return self.shown.fenced(document, intro=f"The event {record.event.id}:")

    async def wait_for_event(self, asked: given.Wait) -> str:
        """Wait until an event arrives that fits, and show it."""
        after = await self.newest()
        wanted = EventFilter(source=asked.source, type=asked.type, text=asked.text, limit=1)
        try:
            async with asyncio.timeout(asked.timeout_seconds):
                while not (found := await self.since(after, wanted)):  # noqa: ASYNC110 - the store of another process has no bell
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            return f"no such event arrived within {asked.timeout_seconds:g} seconds"
        return await self.get_event(given.OneEvent(event=found[0].id))

    async def diff_events(self, asked: given.Two) -> str:
        """Say where two events differ."""
        one, other = await self.record(asked.one), await self.record(asked.other)
        requests = (self._masked(it.event).request for it in (one, other))
        found = [
            {"path": path, "one": before, "other": after}
            for path, before, after in differences(*requests)
        ]
        return self.shown.fenced(found, intro=f"{len(found)} differences:")

    # Rules.

    async def explain_rule(self, asked: given.Explain) -> str:
        """Say why rules do or do not fire for an event."""
        event = await self._event(asked.event)
        book = self.rulebook()
        rules = [self._rule(book, asked.rule)] if asked.rule else book.ruleset.rules
        explained = nearest_first([explain(rule, event) for rule in rules])[:EXPLAINED_MAX]
        matching = sum(one.matches for one in explained)
        return self.shown.fenced(
            msgspec.to_builtins(explained), intro=f"{matching} of {len(explained)} rules match:"
        )

    async def test_rules(self, asked: given.TestRules) -> str:
        """Run the rules' own cases, and say which rules an event matches."""
        book = self.rulebook() if not asked.rules else _draft(asked.rules)
        results = run_tests(book.ruleset, self._load)
        found: dict[str, Any] = {"cases": msgspec.to_builtins(results)}
        if asked.event:
            event = await self._event(asked.event)
            found["matched"] = [rule.name for rule in book.select(event)]
            found["explained"] = msgspec.to_builtins(
                nearest_first([explain(rule, event) for rule in book.ruleset.rules])[:EXPLAINED_MAX]
            )
        failed = sum(not result.passed for result in results)
        return self.shown.fenced(found, intro=f"{len(results)} cases, {failed} failed:")

    async def dry_run(self, asked: given.DryRun) -> str:
        """Say which rules an event would set off and what each step would do; nothing acts."""
        event = await self._event(asked.event, [parse_set(text) for text in asked.set])
        fired = [
            {"rule": rule.name, "steps": self._would(rule, event)}
            for rule in self.rulebook().select(event)
        ]
        return self.shown.fenced(fired, intro=f"{len(fired)} rules would fire:")

    # Signatures.

    async def verify_why(self, asked: given.OneId) -> str:
        """Say why a delivery is genuine or not, and what mends it."""
        captured = await self._captured(asked.id)
        source = self.config.source(captured.source)
        request = captured.request
        if source.base_url:
            request = msgspec.structs.replace(request, base_url=source.base_url)
        found = diagnose(
            Case(
                scheme=source.scheme,
                request=request,
                secrets=source.secrets,
                now=request.received_at or self.clock(),
                tolerance_ms=source.tolerance_ms,
                settings=dict(source.settings),
                base_url=request.base_url,
            )
        )
        told = {
            "valid": found.verdict.valid,
            "scheme": found.verdict.scheme,
            "integrity": str(found.verdict.integrity),
            "cause": str(found.cause),
            "evidence": found.evidence,
            "mend": found.mend,
        }
        return self.shown.fenced(told, intro=f"The delivery {asked.id}:")

    async def sign_request(self, asked: given.Sign) -> str:
        """Craft a request as a source's provider would send it; tokens are masked in it."""
        source = self.config.source(asked.source)
        raw = RawRequest(
            headers=Headers.of([("Content-Type", "application/json"), *asked.headers.items()]),
            body=asked.body.encode("utf-8", "surrogatepass"),
            received_at=self.clock(),
        )
        signed = resigned(at_source(raw, source), source, now=self.clock())
        captured = masked(Captured(request=signed, source=source.name), self.config)
        note = ""
        if source.scheme.integrity is not Integrity.BODY and source.scheme.needs_secret:
            note = (
                f" Its token is masked; `hookagent sign --source {source.name} --data … --send`"
                " sends it."
            )
        url = listener_url(self.config.state_folder, self.config.server.host,
                           self.config.server.port)  # fmt: skip
        made = eventfile.to_object(captured)
        return f"An event file for {url}{source.path}.{note}\n{msgspec.json.encode(made).decode()}"

    async def replay_event(self, asked: given.Replay) -> str:
        """Send a stored event to the listener again, freshly signed."""
        from hookagent.actions.sender import Sender

        record = await self.record(asked.event)
        source = self.config.source(record.event.source)
        edits = [parse_set(text) for text in asked.set]
        request = edited(record.event.request, edits)
        request = msgspec.structs.replace(at_source(request, source), received_at=self.clock())
        request = resigned(request, source, now=self.clock())
        door = await entrance(self.config, self.clock(), self.store)
        request = mark_replay(
            request, parent=record.event.id, nonce=secrets.token_hex(8), key=door.key
        )
        url = door.url + request.target
        async with Sender() as sender:
            reply = await sender.send(request, url)
        said = reply.body.decode("utf-8", "replace")
        return self.shown.fenced({"status": reply.status, "said": said}, intro="The listener said:")

    # What the answers are made of.

    async def record(self, event_id: str) -> EventRecord:
        """Return an event; a beginning that only one has will do. Raises NotFound."""
        record = await self.store.event(event_id)
        if record is None:
            near = await self.store.event_ids_like(event_id[:40], 3)
            record = await self.store.event(near[0]) if len(near) == 1 else None
            if record is None:
                hint = "`list_events` lists them"
                raise NotFound.among("event", event_id[:80], near, none=hint)
        return record

    async def newest(self) -> int:
        """Return the sequence number of the newest event, 0 where there is none."""
        found = await self.store.events(EventFilter(limit=1))
        return found[0].seq if found else 0

    async def since(self, after: int, wanted: EventFilter) -> list[EventSummary]:
        """Return events that came after a sequence number, the oldest first."""
        if after:
            return await self.store.events(msgspec.structs.replace(wanted, after=after))
        return (await self.store.events(wanted))[::-1]

    def rulebook(self) -> Rulebook:
        """Read the rules as they are on disk now. Raises ConfigError."""
        return load_rulebook(self.config.rules, self.config.folder, self.config.environment)

    def rule_texts(self) -> dict[str, str]:
        """Return the rule files by name, secrets masked."""
        return {
            path.name: self.shown.redactor.text(path.read_text("utf-8", "replace"))
            for path in rule_files(self.config.rules)
        }

    def _filter(self, asked: given.Filter) -> EventFilter:
        return EventFilter(
            source=asked.source,
            type=asked.type,
            status=asked.status,
            rule=asked.rule,
            since=_moment(asked.since, self.clock()),
            limit=asked.limit,
        )

    @staticmethod
    def _rule(book: Rulebook, name: str) -> Rule:
        if name not in book.by_name:
            raise NotFound.among("rule", name[:80], book.by_name)
        return book.by_name[name]

    async def _event(self, event_id: str, edits: list[Edit] | None = None) -> Event:
        record = await self.record(event_id)
        request = edited(record.event.request, edits or [])
        event = msgspec.structs.replace(record.event, request=request, payload=None)
        return decoded(event, self.config.sources)

    async def _captured(self, name: str) -> Captured:
        """Return a stored event or a refused delivery."""
        if name.startswith("rej_"):
            rejected = await self.store.rejection(name)
            if rejected is None:
                raise NotFound(
                    f"no refused delivery `{name[:80]}`", hint="only the latest are kept"
                )
            return Captured(request=rejected.request, id=rejected.id, source=rejected.source)
        event = (await self.record(name)).event
        return Captured(request=event.request, id=event.id, source=event.source, type=event.type)

    def _masked(self, event: Event) -> Captured:
        captured = Captured(request=event.request, id=event.id, source=event.source)
        return masked(captured, self.config)

    def _would(self, rule: Rule, event: Event) -> list[dict[str, Any]]:
        steps = []
        for spec in rule.do:
            bound = registry.bind(spec.action, spec.options, self.config.environment)
            try:
                steps.append(bound.describe(bound.prepare(Scope(event=event))))
            except TemplateError as error:
                steps.append({"action": spec.action, "needs": str(error)})
        return steps

    def _load(self, rule: Rule, case: RuleCase) -> Event:
        """Read the event file a case names, beside its rule or in the project."""
        beside = self.config.folder / Path(rule.file).parent / case.event
        path = beside if beside.exists() else self.config.folder / case.event
        try:
            captured = next(eventfile.read(path.read_bytes(), name=case.event))
        except (OSError, StopIteration):
            raise NotFound(f"there is no event in `{case.event}`") from None
        return _given(captured, self.config.sources.get(captured.source or case.source), case)


def _given(captured: Captured, source: Source | None, case: RuleCase) -> Event:
    """Make the event a case's file would become."""
    name = source.name if source else captured.source or case.source
    verdict = Verdict(
        valid=True,
        scheme="none",
        code=Code.OK,
        integrity=source.scheme.integrity if source else Integrity.NONE,
    )
    event = Event(
        id=captured.id or "evt_given",
        source=name,
        type=captured.type or case.type,
        request=captured.request,
        verdict=verdict,
    )
    return decoded(event, {name: source} if source else {})


def _draft(text: str) -> Rulebook:
    """Read rules as text; variables are left alone. Raises ConfigError."""
    return compile_rulebook(read_rules([(DRAFT, text)], check_step=registry.check_step))


def _moment(text: str, now: int) -> int:
    """Read `2h` (ago) or an RFC 3339 time; empty is 0. Raises UsageError."""
    if not text:
        return 0
    duration = parse_duration(text)
    if duration is not None:
        return now - duration
    try:
        return parse_time(text)
    except ValueError:
        raise UsageError(f"`{text[:40]}` is not a time", hint="write 30m, 2h or 7d") from None
