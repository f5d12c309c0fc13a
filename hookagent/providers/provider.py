"""One provider: everything its catalogue file says, read and checked."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hookagent.errors import ConfigError, Problem
from hookagent.located import Document, Table, parse
from hookagent.lookup import PathError
from hookagent.providers.exchange import HandshakeRule, read_handshakes
from hookagent.providers.scheme import Scheme, read_scheme
from hookagent.subject import Reference, parse_reference

CATEGORIES = (
    "payments", "commerce", "code", "monitoring", "messaging", "email", "support", "documents",
    "marketing", "people", "identity", "cloud", "ai", "social", "standard", "static", "other",
)  # fmt: skip
BODIES = ("json", "form", "json-or-form", "any")
"""How a body is read: as JSON, as a form, as what its content type says, or as it may be."""
CONFIDENCE = ("source", "documentation", "cross-checked", "unconfirmed")

References = tuple[Reference, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider expects of us when a delivery is stored."""

    status: int = 200
    body: str = ""
    content_type: str = ""
    deadline_seconds: int = 0
    """How long it waits; 0 when it is not known."""
    accepts: str = "any 2xx"
    retries: str = ""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """How to set it up at the provider; `{url}` and `{secret}` stand for the source's own."""

    steps: tuple[str, ...] = ()
    secret: str = ""


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One of a provider's schemes with what is particular to it."""

    name: str
    """`github` or `github/sha1`."""
    about: str = ""
    legacy: bool = False
    id: References = ()
    id_signed: bool = False
    type: References = ()
    body: str = "json"
    """One of `BODIES`; where the payload is inside the body the scheme says so."""
    scheme: Scheme | None = None
    """None where the source has to complete it."""
    table: Mapping[str, Any] = {}
    """The scheme's keys as written."""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the catalogue."""

    name: str
    title: str
    about: str = ""
    category: str = "other"
    docs: str = ""
    confidence: str = "unconfirmed"
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    legacy: bool = False
    test_secrets: tuple[str, ...] = ()
    """Secrets the provider has published for test deliveries; never accepted, only recognised."""
    settings: Mapping[str, str] = {}
    """What each `{config:NAME}` means."""
    asks: Mapping[str, str] = {}
    """Scheme keys the source may give, and what they mean."""
    variants: Mapping[str, Variant]
    """By scheme name, the default (the provider's name) first."""
    handshakes: tuple[HandshakeRule, ...] = ()
    answer: Answer = Answer()
    setup: Setup = Setup()

    @property
    def main(self) -> Variant:
        """The variant its bare name stands for."""
        return self.variants[self.name]

    @property
    def scheme(self) -> Scheme:
        """The scheme its bare name stands for. Raises ConfigError when it must be completed."""
        return self.scheme_with({})

    @property
    def schemes(self) -> Mapping[str, Scheme]:
        """Every complete scheme by name."""
        return {
            name: variant.scheme
            for name, variant in self.variants.items()
            if variant.scheme is not None
        }

    @property
    def id(self) -> References:
        """Where the event's id is, all of these together; empty when there is none."""
        return self.main.id

    @property
    def id_signed(self) -> bool:
        """Whether the signature covers the id."""
        return self.main.id_signed

    @property
    def type(self) -> References:
        """Where the event's type is; values are joined with `.`, missing ones skipped."""
        return self.main.type

    def scheme_with(self, parameters: Mapping[str, Any], name: str = "") -> Scheme:
        """Complete a scheme with what the source says; the keys are those of `asks`.

        Raises ConfigError when a key is missing, wrong or not one that is asked for.
        """
        variant = self.variants[name or self.name]
        if variant.scheme is not None and not parameters:
            return variant.scheme
        problems: list[Problem] = []
        table = Table.root(parse("", f"scheme {variant.name}"), problems)
        scheme = self.read_completed(table, parameters, variant.name)
        if scheme is None:
            raise ConfigError([without_place(problem) for problem in problems])
        return scheme

    def read_completed(
        self,
        table: Table,
        parameters: Mapping[str, Any],
        name: str = "",
    ) -> Scheme | None:
        """Complete a scheme and report problems through the table the parameters came from."""
        variant = self.variants[name or self.name]
        for key in parameters:
            if key not in self.asks:
                hint = "known: " + ", ".join(f"`{known}`" for known in self.asks)
                message = f"scheme `{variant.name}` takes no `{key}`"
                table.report("unknown-key", message, key=key, hint=hint if self.asks else None)
                return None
        merged = {**variant.table, **parameters}
        inner = Table(table.document, table.where, merged, table.problems)
        return read_scheme(inner, variant.name)


def without_place(problem: Problem) -> Problem:
    """Return a problem that names no line: its values did not come from a file."""
    return Problem(code=problem.code, message=problem.message, hint=problem.hint)


OWN_KEYS = ("about", "legacy", "id", "id_signed", "type", "body")
"""Keys of `[schemes.VARIANT]` that are not the scheme's own."""


def read_provider(
    document: Document, name: str, problems: list[Problem], *, is_own: bool = False
) -> Provider:
    """Read a catalogue file; problems go into the list.

    A project's own file (`is_own`) needs no more than `[scheme]`.
    """
    table = Table.root(document, problems)
    asks = _sentences(table, "asks")
    main = _read_variant(table, table.table("scheme"), name, asks)
    variants = {name: main}
    for variant, inner in table.named("schemes"):
        full = f"{name}/{variant}"
        variants[full] = _read_variant(inner, inner, full, asks, main)
    handshakes = read_handshakes(table.tables("handshake"))
    provider = Provider(
        name=name,
        title=table.text("title", name if is_own else "", required=not is_own),
        about=table.text("about", required=not is_own),
        category=_choice(table, "category", CATEGORIES, is_required=not is_own),
        docs=table.text("docs"),
        confidence=_choice(table, "confidence", CONFIDENCE, is_required=not is_own),
        sources=table.texts("sources"),
        notes=table.texts("notes"),
        legacy=table.boolean("legacy"),
        test_secrets=table.texts("test_secrets"),
        settings=_sentences(table, "settings"),
        asks=asks,
        variants=variants,
        handshakes=handshakes,
        answer=_with_fixed(_read_answer(table.table("answer")), handshakes),
        setup=_read_setup(table.table("setup")),
    )
    table.finish()
    if not is_own:
        _check_sources(table, provider)
    _check_settings(table, provider)
    return provider


def _choice(table: Table, key: str, known: tuple[str, ...], *, is_required: bool) -> str:
    if is_required and key not in table:
        table.report("missing-key", f"`{key}` is missing", hint="known: " + ", ".join(known))
    return table.choice(key, known[-1], known)


def _check_sources(table: Table, provider: Provider) -> None:
    """Report what is missing for a reader of the catalogue."""
    if not provider.docs and provider.category != "static":
        table.report("missing-key", "`docs` is missing", hint='add: docs = "https://…"')
    if not provider.sources and provider.category != "static":
        table.report("missing-key", "`sources` is missing", hint='add: sources = ["https://…"]')


def _check_settings(table: Table, provider: Provider) -> None:
    """Report settings that nobody explains."""
    for variant in provider.variants.values():
        for setting in variant.scheme.settings if variant.scheme else ():
            if setting not in provider.settings:
                hint = f'add to [settings]: {setting} = "…"'
                message = f"setting `{setting}` of scheme `{variant.name}` is not explained"
                table.report("missing-key", message, key="settings", hint=hint)


def _read_variant(
    own: Table,
    scheme: Table | None,
    name: str,
    asks: Mapping[str, str],
    main: Variant | None = None,
) -> Variant:
    """Read one scheme with its id and type; `own` is the table those stand in."""
    legacy = own.boolean("legacy")
    variant = Variant(
        name=name,
        about=own.text("about"),
        legacy=legacy,
        id=_references(own, "id") if "id" in own or main is None else main.id,
        id_signed=own.boolean("id_signed", default=main.id_signed if main else False),
        type=_references(own, "type") if "type" in own or main is None else main.type,
        body=own.choice("body", main.body if main else "json", BODIES),
    )
    if scheme is None:
        own.report("missing-key", "`[scheme]` is missing", hint="add a table [scheme]")
        return variant
    data = {key: value for key, value in scheme.data.items() if main is None or key not in OWN_KEYS}
    inner = Table(scheme.document, scheme.where, data, scheme.problems)
    return msgspec.structs.replace(
        variant,
        scheme=read_scheme(inner, name, asks=asks),
        table=data,
    )


def _references(table: Table, key: str) -> References:
    references: list[Reference] = []
    for text in table.texts(key):
        try:
            references.append(parse_reference(text))
        except PathError as error:
            table.report("wrong-path", f"`{key}`: {error}", key=key)
    return tuple(references)


def _sentences(table: Table, key: str) -> Mapping[str, str]:
    inner = table.table(key)
    return {} if inner is None else {name: inner.text(name) for name in inner.data}


def _read_answer(table: Table | None) -> Answer:
    if table is None:
        return Answer()
    answer = Answer(
        status=table.integer("status", 200, least=200, most=299),
        body=table.text("body"),
        content_type=table.text("content_type"),
        deadline_seconds=table.integer("deadline_seconds", 0, most=3600),
        accepts=table.text("accepts", "any 2xx"),
        retries=table.text("retries"),
    )
    table.finish()
    return answer


def _with_fixed(answer: Answer, handshakes: tuple[HandshakeRule, ...]) -> Answer:
    """Put the body in that a provider wants to see on every delivery."""
    for rule in handshakes:
        if rule.kind == "fixed-answer" and not answer.body:
            return msgspec.structs.replace(
                answer,
                body=rule.body,
                content_type=rule.content_type,
            )
    return answer


def _read_setup(table: Table | None) -> Setup:
    if table is None:
        return Setup()
    setup = Setup(steps=table.texts("steps"), secret=table.text("secret"))
    table.finish()
    return setup
