"""`hookagent schemes`: the catalogue of providers and how each of them signs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hookagent.cli import output
from hookagent.cli.options import ConfigOption, JsonOption, complete_scheme
from hookagent.cli.output import Ink

if TYPE_CHECKING:
    from hookagent.providers.catalog import Catalog
    from hookagent.providers.provider import Provider, Variant
    from hookagent.providers.shape import Timestamp


def schemes(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Show this scheme in full.",
            autocompletion=complete_scheme,
        ),
    ] = None,
    config: ConfigOption = None,
    *,
    search: Annotated[
        str | None,
        typer.Option("--search", metavar="TEXT", help="Only those whose text holds all words."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the catalogue of signature schemes, or show one of them.

    A project's own schemes (`schemes_dir`) are among them.

    Example: hookagent schemes --search payments

    Example: hookagent schemes github
    """
    from hookagent.cli.settings import load_catalog

    catalog = load_catalog(config)
    if name is not None:
        _show(catalog, name, as_json=json)
    else:
        _list(catalog, (search or "").lower().split(), as_json=json)


def _list(catalog: "Catalog", words: list[str], *, as_json: bool) -> None:
    found = [catalog.load(name) for name in catalog.names()]
    found = [one for one in found if all(word in _text(one) for word in words)]
    if as_json:
        for provider in found:
            output.json_line(summary(provider))
        return
    rows = [(one.name, one.category, one.title, one.about) for one in found]
    output.table(("scheme", "category", "provider", "what it sends"), rows)
    if not found:
        output.talk("no scheme holds all of: " + " ".join(words))


def _text(provider: "Provider") -> str:
    words = [provider.name, provider.title, provider.about, provider.category]
    return " ".join([*words, *provider.variants]).lower()


def summary(provider: "Provider") -> dict[str, Any]:
    """Return what a list says about a provider."""
    return {
        "name": provider.name,
        "title": provider.title,
        "about": provider.about,
        "category": provider.category,
        "confidence": provider.confidence,
        "docs": provider.docs,
        "schemes": list(provider.variants),
        "legacy": provider.legacy,
    }


def _show(catalog: "Catalog", name: str, *, as_json: bool) -> None:
    provider = catalog.provider_of(name)
    if as_json:
        output.json_line(details(provider, name))
        return
    output.data(Ink(provider.title, "bold"), f"  {provider.about}")
    for label, value in _facts(provider, name):
        output.data(Ink(f"  {label}: ", "dim"), value)
    _section("In hookagent.toml")
    output.data(block(provider, name).rstrip("\n"))
    _section("At the provider")
    for number, step in enumerate(_steps(provider, name), start=1):
        output.data(f"{number}. {step}")
    _section("Try it")
    output.data(f"hookagent sign {' '.join(sign_options(provider, name))}")


def _section(title: str) -> None:
    output.data()
    output.data(Ink(title, "bold"))


def _facts(provider: "Provider", name: str) -> list[tuple[str, str]]:
    """Return everything a reader may want to know, label and value, in reading order."""
    from hookagent.providers import sample
    from hookagent.providers.phrases import HANDSHAKES, answer_phrase, body_phrase

    variant = provider.variants[name]
    facts = [("scheme", name), *_scheme_facts(variant)]
    covered = "signed" if variant.id_signed else "not signed"
    facts += [
        ("event id", f"{_joined(variant.id)} ({covered})" if variant.id else "none"),
        ("event type", _joined(variant.type) or "none"),
        ("body", body_phrase(variant)),
    ]
    facts += [
        ("handshake", f"{rule.kind}: {HANDSHAKES[rule.kind]}") for rule in provider.handshakes
    ]
    facts += [("setting", f"{key}: {meaning}") for key, meaning in provider.settings.items()]
    facts += [("may be given", f"{key}: {meaning}") for key, meaning in provider.asks.items()]
    facts.append(("wants", answer_phrase(provider.answer)))
    facts += [("retries", provider.answer.retries)] if provider.answer.retries else []
    facts += [("note", note) for note in provider.notes]
    samples = sample.event_types(provider.name)
    facts += [("samples", ", ".join(samples))] if samples else []
    facts.append(("confidence", provider.confidence))
    facts += [("documentation", provider.docs)] if provider.docs else []
    facts += [("source", source) for source in provider.sources]
    others = [other for other in provider.variants if other != name]
    facts += [("also", ", ".join(others))] if others else []
    return facts


def _scheme_facts(variant: "Variant") -> list[tuple[str, str]]:
    """Return how a delivery is proved and how much of it that covers."""
    from hookagent.providers.phrases import describe_scheme, secret_phrase

    scheme = variant.scheme
    if scheme is None:
        return [("verifies", "what the source completes, see below")]
    facts = [("algorithm", scheme.algorithm or scheme.strategy)]
    if scheme.place.kind:
        facts.append(("signature in", str(scheme.place)))
    if scheme.timestamp is not None:
        facts.append(("timestamp in", f"{scheme.timestamp.place}, {_window(scheme.timestamp)}"))
    if scheme.family not in _UNSIGNED and not scheme.strategy and scheme.jwt is None:
        facts.append(("signed", scheme.signed.text.replace("\n", "\\n")))
    facts += [
        ("in words", describe_scheme(variant)),
        ("secret", secret_phrase(variant)),
        ("covers", str(scheme.integrity)),
    ]
    return facts


def _window(timestamp: "Timestamp") -> str:
    seconds = timestamp.tolerance_ms // 1000
    return f"{seconds} s off at most" if seconds else "its age is not checked"


_UNSIGNED = frozenset({"token", "basic", "none", "rfc9421"})


def _joined(references: Any) -> str:
    return " + ".join(str(reference) for reference in references)


def block(provider: "Provider", name: str) -> str:
    """Return the source to paste into hookagent.toml."""
    from hookagent.cli.scaffold import source_block

    return source_block(provider, name, name=source_name(name))


def source_name(scheme: str) -> str:
    """Return the usual name of a source with this scheme."""
    return scheme.replace("/", "-")


def _steps(provider: "Provider", name: str) -> list[str]:
    from hookagent.cli.scaffold import setup_steps, variable_of

    own = source_name(name)
    return setup_steps(
        provider, url=f"https://YOUR-HOST/hooks/{own}", secret=f"${{{variable_of(own)}}}"
    )


def sign_options(provider: "Provider", name: str) -> list[str]:
    """Return the options that sign a request once the source is configured."""
    from hookagent.providers import sample

    types = sample.event_types(provider.name)
    payload = ["--event", types[0]] if types else ["--data", "@body.json"]
    scheme = provider.variants[name].scheme
    pair = ["--make-key"] if scheme is not None and scheme.key_family is not None else []
    return ["--source", source_name(name), *payload, *pair, "--send"]


def details(provider: "Provider", name: str) -> dict[str, Any]:
    """Return everything about one scheme as JSON."""
    return {
        **summary(provider),
        "scheme": name,
        "facts": [{"name": label, "value": value} for label, value in _facts(provider, name)],
        "settings": dict(provider.settings),
        "asks": dict(provider.asks),
        "toml": block(provider, name),
        "setup": _steps(provider, name),
        "sign": ["hookagent", "sign", *sign_options(provider, name)],
    }
