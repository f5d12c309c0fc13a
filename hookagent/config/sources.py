"""`[sources.NAME]`: a path, how it is verified, and how its events are told apart."""

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

import msgspec

from hookagent.config.model import Answer, BodyFormat, Server, Source
from hookagent.config.reader import Reader
from hookagent.config.secrets import Keeper, is_name
from hookagent.config.sections import BODY_MAX
from hookagent.config.verification import Chosen, VerificationReader
from hookagent.environment import Environment
from hookagent.errors import Severity
from hookagent.located import Table
from hookagent.providers.exchange import HandshakeRule, read_handshakes
from hookagent.providers.provider import BODIES, Provider, Variant
from hookagent.providers.scheme import Scheme
from hookagent.subject import Reference
from hookagent.verdict import Integrity

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
STATUS_MIN, STATUS_MAX = 200, 299
"""An event that was stored is a success; anything else would be sent again."""

EXPECT_EVERY = "expect_every"
"""Read with the expectations (`config.expect`), since it is one."""

_PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]+/?)*")
PATH_LENGTH_MAX = 1_024


class SourceReader:
    """Reads one source."""

    def __init__(self, name: str, table: Table, environment: Environment, keeper: Keeper) -> None:
        self.name = name
        self.table = table
        self.reader = Reader(table, environment)
        self.keeper = keeper

    def read(self, server: Server, *, is_insecure: bool) -> Source | None:
        """Return the source, or None where something it cannot do without is wrong."""
        self._check_name()
        path = self._path()
        verification = VerificationReader(self.name, self.reader, self.keeper)
        chosen = verification.scheme()
        handshakes = self._handshakes(chosen.provider)
        secrets = verification.secrets(
            chosen.scheme, may_come_later=any(rule.hands_over_key for rule in handshakes)
        )
        dedup, is_id_signed = self._dedup(chosen)
        tolerance = (
            self.reader.duration("tolerance", 0, least=0) if self._has("tolerance") else None
        )
        settings = verification.settings(chosen)
        rest: dict[str, Any] = {
            "methods": self._methods(),
            "allow_ips": self.reader.networks("allow_ips"),
            "max_body": self.reader.size("max_body", server.max_body, most=BODY_MAX),
            "type": self._type(chosen.variant),
            "body": self._body(chosen.variant),
            "answer": self._answer(chosen.provider),
            "handshakes": handshakes,
            "base_url": self.reader.url("base_url", "http", "https"),
        }
        self.table.finish(EXPECT_EVERY, *_parameters(chosen.provider))
        if path is None or chosen.scheme is None:
            return None
        return Source(
            name=self.name,
            path=path,
            scheme=_with_tolerance(chosen.scheme, tolerance),
            secrets=secrets,
            dedup=dedup,
            tolerance_ms=tolerance,
            provider=chosen.provider.name if chosen.provider else None,
            is_insecure=is_insecure,
            is_id_signed=is_id_signed,
            settings=MappingProxyType(settings),
            **rest,
        )

    def _has(self, key: str) -> bool:
        return key in self.table

    def _check_name(self) -> None:
        if not is_name(self.name):
            self.table.report(
                "bad-name",
                f"`{self.name}` cannot be a source's name",
                at=(),
                on_key=True,
                hint="letters, digits, `-`, `_` and `.`, at most 64, not beginning with `.`",
            )

    def _path(self) -> str | None:
        if not self._has("path"):
            self.table.raw("path")
            hint = f'add: path = "/hooks/{self.name}"'
            self.table.report(
                "missing-key", f"source `{self.name}` has no `path`", at=(), on_key=True, hint=hint
            )
            return None
        path = self.reader.text("path")
        if path is None:
            if self.table.data["path"] == "":
                self._bad_path("it is blank")
            return None
        problem = _path_problem(path)
        if problem:
            self._bad_path(problem)
            return None
        return path

    def _bad_path(self, reason: str) -> None:
        self.table.report(
            "bad-path",
            f"`{self.table.raw('path')}` is not a path: {reason}",
            key="path",
            hint=f'such as: path = "/hooks/{self.name}"',
        )

    def _dedup(self, chosen: Chosen) -> tuple[tuple[Reference, ...], bool]:
        """Return what tells events apart: as written, else the id inside the signed bytes."""
        if not self._has("dedup"):
            self.table.raw("dedup")
            variant = chosen.variant
            return (variant.id, True) if variant and variant.id_signed else ((), True)
        references = self.reader.references("dedup")
        scheme = chosen.scheme
        if scheme is None or scheme.integrity is not Integrity.BODY:
            return references, True  # nothing is signed: an id is as good as any other part
        loose = [one for one in references if not _is_signed(one, scheme)]
        if loose:
            self.table.report(
                "unsigned-id",
                f"`{loose[0]}` is not signed: who captured one delivery can send it again"
                " under another id",
                key="dedup",
                hint="leave `dedup` out to go by the signed content, or name a field of the body",
                severity=Severity.WARNING,
            )
        return references, not loose

    def _type(self, variant: Variant | None) -> tuple[Reference, ...]:
        if not self._has("type"):
            self.table.raw("type")
            return variant.type if variant else ()
        return self.reader.references("type")

    def _body(self, variant: Variant | None) -> BodyFormat:
        usual = variant.body if variant else "json"
        return cast("BodyFormat", self.table.choice("body", usual, BODIES))

    def _methods(self) -> tuple[str, ...]:
        methods = tuple(method.upper() for method in self.table.texts("methods", ("POST",)))
        for place, method in enumerate(methods):
            if method not in METHODS:
                is_list = isinstance(self.table.data["methods"], list)
                self.table.report(
                    "unknown-value",
                    f"`{method}` is not a method of webhooks",
                    at=("methods", place) if is_list else ("methods",),
                    hint="known: " + ", ".join(METHODS),
                )
        if not methods:
            self.table.report("blank", "`methods` is empty", key="methods")
        return methods

    def _answer(self, provider: Provider | None) -> Answer:
        inner = self.table.table("answer")
        if inner is None:
            return _usual_answer(provider)
        body = inner.text("body") if "body" in inner else None
        answer = Answer(
            status=inner.integer("status", 200, least=STATUS_MIN, most=STATUS_MAX),
            body=body,
            content_type=inner.text(
                "content_type", "application/json" if body is None else "text/plain; charset=utf-8"
            ),
        )
        if not re.fullmatch(r"[ -~]+", answer.content_type):
            inner.report("bad-header", "`content_type` cannot be a header", key="content_type")
        inner.finish()
        return answer

    def _handshakes(self, provider: Provider | None) -> tuple[HandshakeRule, ...]:
        if self._has("handshake"):
            return read_handshakes(self.table.tables("handshake"))
        self.table.raw("handshake")
        return provider.handshakes if provider else ()


def read_sources(
    table: Table,
    environment: Environment,
    keeper: Keeper,
    server: Server,
    insecure: Collection[str],
) -> Mapping[str, Source]:
    """Read every source and report paths that two of them claim."""
    found: dict[str, Source] = {}
    owners: dict[str, str] = {}
    for name, inner in table.named("sources"):
        source = SourceReader(name, inner, environment, keeper).read(
            server, is_insecure=name in insecure
        )
        if source is None:
            continue
        found[name] = source
        owner = owners.setdefault(source.path, name)
        if owner != name:
            inner.report(
                "duplicate-path",
                f"`{source.path}` is the path of source `{owner}` already",
                key="path",
                hint="give every source a path of its own",
            )
    return MappingProxyType(found)


def _path_problem(path: str) -> str | None:
    if not path.startswith("/"):
        return "it must begin with `/`"
    if len(path) > PATH_LENGTH_MAX:
        return f"it is longer than {PATH_LENGTH_MAX} characters"
    if any(part in {".", ".."} for part in path.split("/")):
        return "it must not hold `.` or `..`"
    if not _PATH.fullmatch(path):
        return "only letters, digits and -._~!$&'()*+,;=:@ between single slashes"
    return None


def _parameters(provider: Provider | None) -> Iterator[str]:
    """Yield the keys a source may have because of its scheme."""
    if provider is not None:
        yield from provider.asks
        yield from provider.settings


def _usual_answer(provider: Provider | None) -> Answer:
    """Return what the provider insists on; most take any JSON."""
    if provider is None or not (provider.answer.body or provider.answer.content_type):
        return Answer(status=provider.answer.status if provider else 200)
    return Answer(
        status=provider.answer.status,
        body=provider.answer.body,
        content_type=provider.answer.content_type or "text/plain; charset=utf-8",
    )


def _with_tolerance(scheme: Scheme, tolerance_ms: int | None) -> Scheme:
    if tolerance_ms is None or scheme.timestamp is None:
        return scheme
    timestamp = msgspec.structs.replace(scheme.timestamp, tolerance_ms=tolerance_ms)
    return msgspec.structs.replace(scheme, timestamp=timestamp)


def _is_signed(reference: Reference, scheme: Scheme) -> bool:
    """Whether the signature covers what a reference reads, given that it covers the body."""
    if reference.is_payload:
        return True
    name = str(reference.path[0]) if reference.path else ""
    signed = scheme.signed
    if reference.area == "headers":
        headers = [header.lower() for header in signed.names("header")]
        return name in headers or (signed.uses("id") and name == scheme.id_header.lower())
    if reference.area == "query":
        whole = any(signed.uses(kind) for kind in ("url", "target", "query", "query_sorted"))
        return whole or name in signed.names("query")
    return False
