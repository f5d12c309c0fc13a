"""Which providers a request may be from, by its headers: a hint for people, never a decision.

Header names do not identify a provider (`X-Hub-Signature` is GitHub's, Bitbucket's and Meta's, and
Gitea sends GitHub's beside its own), so the scheme with the most of its own headers present comes
first. Reads the whole catalogue: for commands, not for the hot path.
"""

from functools import lru_cache

from hookagent.errors import ConfigError
from hookagent.event import RawRequest
from hookagent.providers import catalog
from hookagent.providers.provider import CONFIDENCE, Provider
from hookagent.providers.scheme import Scheme

COMMON = frozenset({"authorization", "content-type", "signature", "host", "date", "digest"})
"""Headers that say nothing about who sent them."""


def likely_schemes(request: RawRequest, most: int = 8) -> tuple[Scheme, ...]:
    """Return schemes whose signature header is in the request, the most specific first."""
    present = {name.lower() for name, _ in request.headers.items()}
    ranked = [
        (-len(headers & present), doubt, scheme.name, scheme)
        for headers, signature, doubt, scheme in _headers()
        if signature & present
    ]
    return tuple(entry[3] for entry in sorted(ranked, key=lambda entry: entry[:3])[:most])


SHARED = ("standard-webhooks", "svix")
"""Forms that many providers send; where several of them fit, the form itself is named."""


def recognized(request: RawRequest) -> Provider | None:
    """Return the provider whose own headers are in the request, None where several could be it.

    Of those with as many headers present, the surer one; a form that many send stands for them all.
    A header that is named after a provider counts where no signature is known by its header.
    """
    present = {name.lower() for name, _ in request.headers.items()}
    best: dict[str, tuple[int, int]] = {}
    for headers, signature, doubt, scheme in _headers():
        if signature & present:
            name = scheme.name.partition("/")[0]
            rank = (len(headers & present), -doubt)
            best[name] = max(best.get(name, rank), rank)
    most = max(best.values(), default=(0, 0))
    shared = [name for name in SHARED if best.get(name, (0, 0))[0] == most[0] > 1]
    found = shared or [name for name, rank in best.items() if rank == most]
    if not found:
        found = [name for name in catalog.names() if _is_named(name, present)]
    return catalog.load(found[0]) if len(found) == 1 else None


def _is_named(provider: str, present: set[str]) -> bool:
    """Whether a header is named after a provider: `X-Twilio-Signature`."""
    return any(header.startswith((f"x-{provider}-", f"{provider}-")) for header in present)


@lru_cache(maxsize=1)
def _headers() -> tuple[tuple[frozenset[str], frozenset[str], int, Scheme], ...]:
    """Every scheme of the catalogue with its headers, those of its signature, and its doubt."""
    found = []
    for name in catalog.names():
        try:
            provider = catalog.load(name)
        except ConfigError:
            continue  # a broken file of one provider does not hide the others
        for scheme in provider.schemes.values():
            signature = signature_headers(scheme)
            if signature:
                headers = signature | _own_headers(scheme, provider)
                found.append((headers, signature, _doubt(scheme, provider), scheme))
    return tuple(found)


def _doubt(scheme: Scheme, provider: Provider) -> int:
    """Rank equals: provider's main scheme first, and those whose facts are surer."""
    variant = provider.variants[scheme.name]
    return CONFIDENCE.index(provider.confidence) + 10 * (variant.legacy or "/" in scheme.name)


def signature_headers(scheme: Scheme) -> frozenset[str]:
    """Return the headers a scheme's signature may be in, those that say something."""
    if scheme.place.kind != "header":
        return frozenset()
    names = {name.replace("{n}", "1").lower() for name in scheme.place.names}
    return frozenset(names - COMMON)


def _own_headers(scheme: Scheme, provider: Provider) -> frozenset[str]:
    """Return the other headers a delivery of this provider has."""
    names = {name.lower() for name in scheme.signed.names("header")}
    names |= {name.lower() for name, _ in scheme.require_headers}
    if scheme.timestamp and scheme.timestamp.place.kind == "header":
        names.add(scheme.timestamp.place.name.lower())
    if scheme.id_header:
        names.add(scheme.id_header.lower())
    references = (*provider.id, *provider.type)
    names |= {str(ref.path[0]) for ref in references if ref.area == "headers" and ref.path}
    return frozenset(names - COMMON)
