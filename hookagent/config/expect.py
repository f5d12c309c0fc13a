"""Reads `[[expect]]`, `[watch]`, `[log]`, and `expect_every` of a source.

[[expect]]
name = "nightly-backup"
match = "backup/done"            # SOURCE/TYPE, globs, one or a list; with `when` as in a rule
cron = "0 3 * * *"               # or every = "24h"
tz = "Europe/Berlin"
grace = "30m"
remind = "6h"
start = "first"                  # first: the first event starts the clock; now: at once

[[expect]]
name = "paid-after-checkout"
after = "shop/checkout.started"
expect = { on = "shop/checkout.paid", when = { status = "ok" } }
within = "15m"
by = "session"
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hookagent.config.reader import Reader
from hookagent.config.sections import SECOND
from hookagent.config.watching import (
    LOG_LEVELS,
    LOG_PARTS,
    Expected,
    ExpectedPair,
    Log,
    Watch,
)
from hookagent.environment import Environment
from hookagent.errors import Severity, did_you_mean
from hookagent.located import Document, Table
from hookagent.rules.model import Pattern, Rule
from hookagent.rules.patterns import fits_glob
from hookagent.rules.requirements import KEYS, Requirements, read_requirements
from hookagent.watch.expectation import Expectation
from hookagent.watch.pair import Pair
from hookagent.watch.schedule import Schedule, WrongSchedule
from hookagent.watch.settings import Thresholds

SOME_MOMENT = 1_767_225_600_000
"""2026-01-01: a cron line that does not come after it never comes."""


def read_watch(
    root: Table, environment: Environment, sources: Mapping[str, Table], section: Table
) -> Watch:
    """Read `[watch]`, every `[[expect]]`, and `expect_every` of the sources' tables."""
    names: set[str] = set()
    expectations: list[Expected] = []
    pairs: list[ExpectedPair] = []
    for table in root.tables("expect"):
        read = _Expect(Reader(table, environment), sources).read(names)
        if isinstance(read, Expected):
            expectations.append(read)
        elif read is not None:
            pairs.append(read)
    for name, table in sources.items():
        if "expect_every" in table:
            expectations.append(_of_source(name, Reader(table, environment)))
    return _watch(Reader(section, environment), tuple(expectations), tuple(pairs))


def _watch(
    reader: Reader, expectations: tuple[Expected, ...], pairs: tuple[ExpectedPair, ...]
) -> Watch:
    table, usual = reader.table, Watch()
    url = reader.text("heartbeat_url")
    if url is not None:
        reader.environment.remember(url)  # whoever knows it can keep the alarm quiet
        reader.url("heartbeat_url", "http", "https")
    watch = Watch(
        enabled=table.boolean("enabled", default=usual.enabled),
        thresholds=_thresholds(reader),
        heartbeat_url=url,
        heartbeat_ms=reader.duration("heartbeat_every", usual.heartbeat_ms, least=SECOND),
        expectations=expectations,
        pairs=pairs,
    )
    table.finish()
    return watch


def _thresholds(reader: Reader) -> Thresholds:
    table, usual = reader.table, Thresholds()
    return Thresholds(
        sensitivity=float(table.integer("sensitivity", int(usual.sensitivity), least=1, most=100)),
        errors=table.integer("errors_percent", int(usual.errors * 100), least=1, most=100) / 100,
        errors_least=table.integer("errors_least", usual.errors_least, least=1, most=1_000_000),
        signatures=table.integer("signatures", usual.signatures, least=1, most=1_000_000),
        skew_ms=reader.duration("skew", usual.skew_ms, least=SECOND),
        queue_ms=reader.duration("queue_age", usual.queue_ms, least=SECOND),
        disk_free=reader.size("disk_free", usual.disk_free),
        expires_ms=reader.duration("expires_within", usual.expires_ms, least=60 * SECOND),
        tunnel_down_ms=reader.duration("tunnel_down", usual.tunnel_down_ms, least=SECOND),
        remind_ms=reader.duration("remind", 0, least=60 * SECOND) if "remind" in table else 0,
    )


def _of_source(name: str, reader: Reader) -> Expected:
    """Read `expect_every` of a source: anything of it, at least so often."""
    every = reader.duration("expect_every", 3_600 * SECOND, least=SECOND)
    rule = Rule(name=name, on=(Pattern(name),))
    return Expected(spec=Expectation(name=name, schedule=Schedule(every_ms=every)), match=rule)


class _Expect:
    """Reads one `[[expect]]`."""

    def __init__(self, reader: Reader, sources: Mapping[str, Table]) -> None:
        self.reader = reader
        self.table = reader.table
        self.sources = sources

    def read(self, names: set[str]) -> Expected | ExpectedPair | None:
        name = self.table.text("name", required=True)
        if name in names:
            self.table.report("name-taken", f"there is already an expectation `{name}`", key="name")
        names.add(name)
        read = self._pair(name) if "after" in self.table else self._single(name)
        self.table.finish()
        return read

    def _single(self, name: str) -> Expected | None:
        match = self._match("match", name, with_rest=True)
        schedule = self._schedule()
        spec = Expectation(
            name=name,
            schedule=schedule or Schedule(every_ms=SECOND),
            grace_ms=self._optional("grace"),
            remind_ms=self._optional("remind", least=60 * SECOND),
            starts_now=self.table.choice("start", "first", ("first", "now")) == "now",
        )
        return None if match is None or schedule is None else Expected(spec=spec, match=match)

    def _pair(self, name: str) -> ExpectedPair | None:
        first = self._match("after", name)
        second = self._match("expect", name)
        by = self.reader.references("by")
        if "within" not in self.table:
            self._missing("within", 'within = "15m"')
        within = self.reader.duration("within", 900 * SECOND, least=SECOND)
        if first is None or second is None:
            return None
        return ExpectedPair(
            spec=Pair(name=name, within_ms=within), first=first, second=second, by=by
        )

    def _optional(self, key: str, least: int = 0) -> int:
        return self.reader.duration(key, 0, least=least) if key in self.table else 0

    def _missing(self, key: str, example: str) -> None:
        self.table.raw(key)
        self.table.report("missing-key", f"`{key}` is missing", hint=f"add: {example}")

    def _match(self, key: str, name: str, *, with_rest: bool = False) -> Rule | None:
        """Read patterns, or a table with `on` and `when`; beside `match` the rest stands free."""
        value = self.table.raw(key)
        if key not in self.table:
            self._missing(key, f'{key} = "SOURCE/TYPE"')
            return None
        if isinstance(value, dict):
            inner = self.table.table(key)
            assert inner is not None
            asked = read_requirements(inner, {})
            inner.finish(*KEYS)
        else:
            asked = self._asked(key, value, with_rest=with_rest)
        self._check_sources(key, asked.on)
        return Rule(name=name, on=asked.on, when=asked.when, any=asked.any, unless=asked.unless)

    def _asked(self, key: str, value: Any, *, with_rest: bool) -> Requirements:
        """Read patterns by another name than `on`."""
        rest = KEYS if with_rest else ()
        data = {name: self.table.raw(name) for name in rest if name in self.table}
        borrowed = _Renamed(
            self.table.document, self.table.where, data | {"on": value}, self.table.problems
        )
        borrowed.name = key
        return read_requirements(borrowed, {})

    def _check_sources(self, key: str, patterns: tuple[Pattern, ...]) -> None:
        for pattern in patterns:
            if any(fits_glob(pattern.source, name) for name in self.sources):
                continue
            self.table.report(
                "unknown-source",
                f"no source is called `{pattern.source}`",
                key=key,
                hint=did_you_mean(pattern.source, self.sources)
                or "known: " + ", ".join(self.sources),
                severity=Severity.WARNING,  # `emit` makes sources of its own
            )

    def _schedule(self) -> Schedule | None:
        if ("every" in self.table) == ("cron" in self.table):
            self.table.raw("every")
            self.table.raw("cron")
            self.table.raw("tz")
            both = "every" in self.table
            message = "both `every` and `cron` are given" if both else "no `every` and no `cron`"
            hint = "one of them says when" if both else 'add: every = "24h"'
            self.table.report("no-schedule", message, hint=hint)
            return None
        self.table.raw("every")
        cron, tz = self.table.text("cron"), self._zone()
        if not cron:
            return Schedule(every_ms=self.reader.duration("every", SECOND, least=SECOND))
        schedule = Schedule(cron=cron, tz=tz)
        try:
            schedule.after(SOME_MOMENT)
        except WrongSchedule as error:
            self.table.report(
                "bad-cron", f"`{cron}` is not a cron line: {error}", key="cron",
                hint="minute hour day month weekday: `0 3 * * *`, `*/15 8-18 * * mon-fri`",
            )  # fmt: skip
            return None
        return schedule

    def _zone(self) -> str:
        from zoneinfo import ZoneInfo

        name = self.table.text("tz", "UTC")
        try:
            ZoneInfo(name)
        except (OSError, ValueError, LookupError):
            self.table.report(
                "bad-zone", f"`{name}` is not a time zone", key="tz", hint="such as `Europe/Berlin`"
            )
            return "UTC"
        return name


class _Renamed(Table):
    """A table whose `on` is written under another name."""

    name = "on"

    def report(self, code: str, message: str, **rest: Any) -> None:
        if rest.get("key") == "on":
            rest["key"] = self.name
        super().report(code, message.replace("`on`", f"`{self.name}`"), **rest)


def read_log(reader: Reader, folder: Path) -> Log:
    """Read `[log]`; `[log.levels]` gives parts a level of their own."""
    table, usual = reader.table, Log()
    levels: dict[str, str] = {}
    inner = table.table("levels")
    if inner is not None:
        for part in LOG_PARTS:
            if part in inner:
                levels[part] = inner.choice(part, usual.level, LOG_LEVELS)
        inner.finish(*LOG_PARTS)
    log = Log(
        enabled=table.boolean("enabled", default=usual.enabled),
        format=table.choice("format", usual.format, ("json", "text")),
        level=table.choice("level", usual.level, LOG_LEVELS),
        levels=MappingProxyType(levels),
        folder=folder / written if (written := reader.text("folder")) else None,
        max_bytes=reader.size("max_size", usual.max_bytes, least=64 * 1024),
        kept=table.integer("kept", usual.kept, least=1, most=1_000),
    )
    table.finish()
    return log


def source_tables(root: Table, document: Document) -> dict[str, Table]:
    """Return readers of the sources' tables, apart from those that read the sources."""
    data = document.data.get("sources")
    if not isinstance(data, dict):
        return {}
    return {
        name: Table(document, ("sources", name), inner, root.problems)
        for name, inner in data.items()
        if isinstance(inner, dict)
    }
