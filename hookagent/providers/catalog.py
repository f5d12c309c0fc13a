"""The catalogue: one TOML file per provider, read when it is named and then remembered."""

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


def read(text: str, file: str, name: str) -> Provider:
    """Read the text of a catalogue file. Raises ConfigError with every problem."""
    problems: list[Problem] = []
    provider = read_provider(parse(text, file), name, problems)
    if problems:
        raise ConfigError(problems)
    return provider


def provider_of(scheme: str) -> Provider:
    """Return the provider of a scheme's name, `hubspot` or `hubspot/v1`. Raises NotFound."""
    provider = load(scheme.partition("/")[0])
    if scheme not in provider.variants:
        raise NotFound.among("scheme", scheme, provider.variants)
    return provider


def scheme(name: str) -> Scheme:
    """Return a complete scheme by name. Raises NotFound; ConfigError if it must be completed."""
    return provider_of(name).scheme_with({}, name)
