"""The catalogue: one TOML file per provider, read when it is named and then remembered.

The module's own functions are the providers that come with hookagent. A project may have schemes
of its own, which `Catalog` adds to them; their files are read and given here by whoever may read
files.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from hookagent.errors import ConfigError, NotFound, Problem
from hookagent.located import parse
from hookagent.providers.provider import Provider, read_provider
from hookagent.providers.scheme import Scheme

SUFFIX = ".toml"


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Return every provider's name, sorted; reads the folder, no file."""
    folder = resources.files(__package__).joinpath("catalog")
    files = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)))


@lru_cache(maxsize=256)
def load(name: str) -> Provider:
    """Read one provider. Raises NotFound with the nearest name, ConfigError for a broken file."""
    if name not in names():
        raise NotFound.among("scheme", name, names())
    file = resources.files(__package__).joinpath("catalog", name + SUFFIX)
    return read(file.read_text("utf-8"), f"catalog/{name}{SUFFIX}", name)


def read(text: str, file: str, name: str, *, is_own: bool = False) -> Provider:
    """Read the text of a catalogue file. Raises ConfigError with every problem.

    A project's own file need not say what only a catalogue's reader wants to know.
    """
    problems: list[Problem] = []
    provider = read_provider(parse(text, file), name, problems, is_own=is_own)
    if problems:
        raise ConfigError(problems)
    return provider


def provider_of(scheme: str) -> Provider:
    """Return the provider of a scheme's name, `hubspot` or `hubspot/v1`. Raises NotFound."""
    return BUILT_IN.provider_of(scheme)


def scheme(name: str) -> Scheme:
    """Return a complete scheme by name. Raises NotFound; ConfigError if it must be completed."""
    return BUILT_IN.scheme(name)


class Catalog:
    """The providers that come with hookagent, and a project's own beside them."""

    def __init__(self, own: Mapping[str, Provider]) -> None:
        self.own = dict(own)

    def names(self) -> tuple[str, ...]:
        """Return every provider's name, sorted."""
        return tuple(sorted({*names(), *self.own}))

    def load(self, name: str) -> Provider:
        """Return a provider. Raises NotFound with the nearest name."""
        if name in self.own:
            return self.own[name]
        if name not in names():
            raise NotFound.among("scheme", name, self.names())
        return load(name)

    def provider_of(self, scheme: str) -> Provider:
        """Return the provider of a scheme's name, `hubspot` or `hubspot/v1`. Raises NotFound."""
        provider = self.load(scheme.partition("/")[0])
        if scheme not in provider.variants:
            raise NotFound.among("scheme", scheme, provider.variants)
        return provider

    def scheme(self, name: str) -> Scheme:
        """Return a complete scheme by name. Raises NotFound; ConfigError if it is incomplete."""
        return self.provider_of(name).scheme_with({}, name)


BUILT_IN = Catalog({})
