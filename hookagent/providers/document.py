"""Writes `docs/providers.md` from the catalogue, so that the document cannot say anything else.

python -m hookagent.providers.document > docs/providers.md
"""

import sys
from collections.abc import Iterable, Iterator, Mapping

from hookagent.providers import catalog, sample
from hookagent.providers.phrases import (
    HANDSHAKES,
    answer_phrase,
    body_phrase,
    describe_scheme,
    integrity_of,
    secret_phrase,
)
from hookagent.providers.provider import Provider, References, Variant

HEAD = """\
# Providers

Written by `python -m hookagent.providers.document` from `hookagent/providers/catalog/`; change the
files there. Each name below is a `scheme` for `hookagent.toml`, and `hookagent schemes NAME` shows
it with a ready block.

*Covers* says how much of a delivery the check binds: `body-signed` the whole body, `origin-only`
the sender and a part, `token` only that the sender knows a value, `none` nothing. *Sure* says how
the facts are known: `source` their code or specification was read, `documentation` their pages
were, `cross-checked` independent code agrees, `unconfirmed` none of these; what of a file is not
certain stands in its notes. In the setup `{url}` is the source's own address and `{secret}` its
secret.
"""
COLUMNS = ("name", "provider", "category", "proof", "covers", "event id", "event type", "sure")


def document() -> str:
    """Return the whole text."""
    providers = [catalog.load(name) for name in catalog.names()]
    lines = [HEAD, f"{len(providers)} providers.", "", *_table(providers)]
    for provider in providers:
        lines += ["", *_section(provider)]
    return "\n".join(lines) + "\n"


def _table(providers: Iterable[Provider]) -> Iterator[str]:
    yield _row(COLUMNS)
    yield _row("---" for _ in COLUMNS)
    for provider in providers:
        main = provider.main
        yield _row(
            (
                f"[`{provider.name}`](#{provider.name})",
                provider.title,
                provider.category,
                str(main.table.get("strategy") or main.table.get("algorithm", "")),
                integrity_of(main),
                _references(main.id) + (" (signed)" if main.id and main.id_signed else ""),
                _references(main.type),
                provider.confidence,
            ),
        )


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _references(references: References) -> str:
    return ", ".join(f"`{reference.text}`" for reference in references)


def _section(provider: Provider) -> Iterator[str]:
    """Write one provider's section; the heading is its name, so that links by name hold."""
    yield f"## {provider.name}"
    yield ""
    retired = " Retired by the provider." if provider.legacy else ""
    yield f"**{provider.title}.** {provider.about}.{retired}"
    yield ""
    for variant in provider.variants.values():
        yield from _variant(provider, variant)
    yield f"- Body: {body_phrase(provider.main)}."
    for rule in provider.handshakes:
        yield f"- Handshake `{rule.kind}`, answered by itself: {HANDSHAKES[rule.kind]}."
    if provider.settings:
        yield _named("Settings", provider.settings)
    if provider.asks:
        yield _named("The source may give", provider.asks)
    yield _answer(provider)
    if samples := sample.event_types(provider.name):
        yield "- Samples: " + ", ".join(f"`{event}`" for event in samples) + "."
    for note in provider.notes:
        yield f"- {note}"
    yield ""
    yield "Setup:"
    yield ""
    for place, step in enumerate(provider.setup.steps, 1):
        yield f"{place}. {step}"
    yield ""
    yield _origin(provider)


def _variant(provider: Provider, variant: Variant) -> Iterator[str]:
    is_main = variant is provider.main
    about = f"{variant.about}. " if variant.about and not is_main else ""
    retired = "Retired. " if variant.legacy and not is_main else ""
    yield f"- `{variant.name}`: {about}{retired}{describe_scheme(variant)}"
    if is_main:
        yield f"- Secret: {secret_phrase(variant)}."
        covered = (
            "covered by the signature" if variant.id_signed else "not covered by the signature"
        )
        place = f"{_references(variant.id)}, {covered}" if variant.id else "none"
        yield f"- Event id: {place}. Event type: {_references(variant.type) or 'none'}."


def _named(title: str, sentences: Mapping[str, str]) -> str:
    return (
        f"- {title}: " + "; ".join(f"`{name}` ({text})" for name, text in sentences.items()) + "."
    )


def _answer(provider: Provider) -> str:
    answer = provider.answer
    retries = f" Retries: {answer.retries}" if answer.retries else ""
    return f"- Takes {answer_phrase(answer)}.{retries}"


def _origin(provider: Provider) -> str:
    docs = f"[Documentation]({provider.docs}). " if provider.docs else ""
    sources = ", ".join(f"<{one}>" if one.startswith("http") else one for one in provider.sources)
    return f"{docs}Sure: {provider.confidence}" + (f", by {sources}" if sources else "") + "."


if __name__ == "__main__":
    sys.stdout.write(document())
