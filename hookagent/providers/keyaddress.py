"""Which addresses of public keys a scheme will ask for, as far as they are known beforehand.

So that whoever may open a connection can have the keys at hand before the first delivery comes, and
knows the only hosts it will ever be asked to reach.
"""

from collections.abc import Mapping

from hookagent.providers.pinning import is_pinned
from hookagent.providers.scheme import Scheme

SNS_HOSTS = ("sns.*.amazonaws.com", "sns.*.amazonaws.com.cn")
_STRATEGY_HOSTS: Mapping[str, tuple[str, ...]] = {"aws-sns": SNS_HOSTS}
"""Strategies whose requests name the key's address themselves."""


def addresses(scheme: Scheme, settings: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return address and kind of each published key; those a request names are left out."""
    rule = scheme.keys
    if rule is None:
        return ()
    filled = (_filled(url, settings) for url in rule.urls)
    return tuple((url, rule.kind) for url in filled if is_pinned(url, rule.hosts))


def hosts(scheme: Scheme) -> tuple[str, ...]:
    """Return the patterns of the hosts a scheme may name keys on; empty where it publishes none."""
    pinned = scheme.keys.hosts if scheme.keys else ()
    return (*pinned, *_STRATEGY_HOSTS.get(scheme.strategy, ()))


def _filled(url: str, settings: Mapping[str, str]) -> str:
    """Put the settings in; an address that needs more than those becomes none."""
    for name, value in settings.items():
        url = url.replace(f"{{config:{name}}}", value)
    return "" if "{" in url else url
