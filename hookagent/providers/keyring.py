"""Which public keys a request may be verified with: the configured ones, else the published ones.

An address is built from the scheme's rule and, where the provider names it in the request, from the
request; it is used only with https and a host the scheme pins. Fetching is not done here: a
`KeySource` has the document or has not.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from hookagent.lookup import find, parse_path
from hookagent.providers.certificates import certificate_key
from hookagent.providers.check import Circumstances
from hookagent.providers.pinning import is_pinned
from hookagent.providers.publickeys import (
    PublicKey,
    configured_key,
    fingerprint,
    fits,
    read_key,
)
from hookagent.providers.refusal import Refusal
from hookagent.providers.scheme import Scheme
from hookagent.providers.secret import wrong_secret
from hookagent.providers.shape import Family, KeyRule
from hookagent.providers.view import View
from hookagent.verdict import Code

DOCUMENT_BYTES_MAX = 256 * 1024
CACHED_MAX = 64
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
KEYS_MAX = 64
"""Keys looked at in one published set."""

Key = tuple[int | None, PublicKey]
"""The index of the configured key, or None for a published one."""


class Keyring:
    """The keys of one source; parsed documents are remembered."""

    def __init__(self, circumstances: Circumstances, families: frozenset[Family]) -> None:
        scheme = circumstances.scheme
        texts = (*circumstances.public_keys, *circumstances.secrets)
        self.families = families
        self.rule = scheme.keys
        self.source = circumstances.keys
        self.configured: list[Key] = [
            (index, key)
            for index, text in enumerate(texts)
            if not self._is_shared(scheme, text)
            for key in configured_keys(text, scheme, families)
        ]
        self._parsed: dict[bytes, list[tuple[str, PublicKey]]] = {}

    @staticmethod
    def _is_shared(scheme: Scheme, text: str) -> bool:
        """Whether a secret is a shared key of a JWT scheme that takes both kinds."""
        rules = scheme.jwt
        takes_shared = rules is not None and any(name[:2] == "HS" for name in rules.algorithms)
        return takes_shared and "-----BEGIN" not in text

    def keys_for(self, view: View, header: int, now: int, kid: str = "") -> list[Key]:
        """Return the keys to try for the signature of one header. Raises Refusal for none."""
        if self.configured or self.rule is None:
            return self._configured()
        url = self.url_for(view, self.rule, header, kid)
        post = posted(self.rule, view, kid)
        keys = self._published(self._document(url, self.rule.kind, post), self.rule, now)
        named = [key for name, key in keys if not kid or name in ("", kid)]
        if not named:
            raise self._no_key(url, self.rule.kind, post)
        return [(None, key) for key in named]

    def _no_key(self, url: str, kind: str, post: bytes) -> Refusal:
        """Say that a set lacks the key: for now, where a newer set may have it."""
        if self.source is not None and self.source.renew(url, kind, post):
            return Refusal(Code.KEY_UNAVAILABLE, f"`{url}` is read anew for this signature's key")
        return Refusal(Code.UNTRUSTED_KEY, f"`{url}` holds no key for this signature")

    def keys_at(self, url: str, kind: str, hosts: tuple[str, ...], now: int) -> list[Key]:
        """Return the configured keys, else those at an address the caller has pinned."""
        if self.configured:
            return self.configured
        rule = KeyRule(urls=(url,), hosts=hosts, kind=kind)
        return [(None, key) for _, key in self._published(self._document(url, kind), rule, now)]

    def _configured(self) -> list[Key]:
        if not self.configured:
            raise Refusal(Code.KEY_UNAVAILABLE, "the source has no public key")
        return self.configured

    def _document(self, url: str, kind: str, post: bytes = b"") -> bytes:
        """Ask the key source for what a pinned address holds."""
        document: bytes | None = self.source.get(url, kind, post) if self.source else None
        if document is None:
            raise Refusal(Code.KEY_UNAVAILABLE, f"the key at `{url}` is not at hand")
        return document

    def url_for(self, view: View, rule: KeyRule, header: int, kid: str) -> str:
        """Build the key's address and refuse it unless its host is pinned."""
        template = rule.urls[min(header, len(rule.urls) - 1)]
        url = fill(template, view, kid)
        if not is_pinned(url, rule.hosts):
            raise Refusal(Code.UNTRUSTED_KEY, "the key's address is not one of this provider")
        return url

    def _published(
        self,
        document: bytes,
        rule: KeyRule,
        now: int,
    ) -> list[tuple[str, PublicKey]]:
        """Parse a document of keys, once; a certificate is judged anew each time."""
        if rule.kind == "certificate":
            return [("", certificate_key(document, rule.hosts, now))]
        name = fingerprint(document)
        keys = self._parsed.get(name)
        if keys is None:
            keys = [
                (kid, key)
                for kid, key in READERS[rule.kind](document[:DOCUMENT_BYTES_MAX], rule)
                if any(fits(key, family) for family in self.families)
            ]
            if len(self._parsed) >= CACHED_MAX:
                self._parsed.clear()
            self._parsed[name] = keys
        return keys


def configured_keys(text: str, scheme: Scheme, families: frozenset[Family]) -> list[PublicKey]:
    """Read a configured key, or the fitting ones of a set in JSON (a JWKS, GitHub's list).

    Raises ConfigError where there is none.
    """
    if not text.lstrip().startswith("{"):
        return [configured_key(text, scheme.secret, families)]
    document = text.encode("utf-8", "surrogateescape")[:DOCUMENT_BYTES_MAX]
    rule = KeyRule(urls=(), hosts=())
    found = [key for read in (_read_jwks, _read_github) for _, key in read(document, rule)]
    fitting = [key for key in found if any(fits(key, family) for family in families)]
    if not fitting:
        raise wrong_secret(
            "wrong-key",
            "the key set holds no key for this scheme",
            "give the provider's JWKS as it is published, or its key as PEM",
        )
    return fitting


def posted(rule: KeyRule, view: View, kid: str) -> bytes:
    """Write what is posted to get a key; nothing where an address alone names it.

    Raises Refusal without the settings it takes, and for a key id that cannot be one.
    """
    if not rule.post:
        return b""
    missing = [name for name in rule.credentials if not view.settings.get(name)]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise Refusal(Code.KEY_UNAVAILABLE, f"the source has no public key, and not {names} either")
    if not KEY_ID.fullmatch(kid):
        raise Refusal(Code.UNTRUSTED_KEY, "the signature names no key of the provider")
    return msgspec.json.encode({name: fill(value, view, kid) for name, value in rule.post})


def fill(template: str, view: View, kid: str = "") -> str:
    """Put headers, settings and the key's id into an address."""
    text = template.replace("{kid}", kid)
    while "{" in text:
        before, _, rest = text.partition("{")
        inner, closed, after = rest.partition("}")
        area, _, name = inner.partition(":")
        if not closed or area not in {"header", "config"}:
            raise Refusal(Code.UNTRUSTED_KEY, "the key's address cannot be built")
        value = view.header(name).decode("latin-1") if area == "header" else view.setting(name)
        if "{" in value:
            raise Refusal(Code.UNTRUSTED_KEY, "the key's address cannot be built")
        text = before + value + after
    return text


def _json_document(document: bytes) -> Any:
    try:
        return json.loads(document)
    except (ValueError, RecursionError):
        return None


def _read_pem(document: bytes, _rule: KeyRule) -> Iterator[tuple[str, PublicKey]]:
    key = read_key(document.decode("utf-8", "replace"))
    if key is not None:
        yield "", key


def _read_json(document: bytes, rule: KeyRule) -> Iterator[tuple[str, PublicKey]]:
    """One or several keys as text at a path of a JSON document."""
    for text in find(parse_path(rule.json), _json_document(document))[:KEYS_MAX]:
        key = read_key(text) if isinstance(text, str) else None
        if key is not None:
            yield "", key


def _read_github(document: bytes, _rule: KeyRule) -> Iterator[tuple[str, PublicKey]]:
    """`{"public_keys":[{"key_identifier":…,"key":PEM}]}` as GitHub publishes it."""
    for item in find(("public_keys",), _json_document(document)):
        for entry in item[:KEYS_MAX] if isinstance(item, list) else ():
            key = read_key(str(entry.get("key", ""))) if isinstance(entry, dict) else None
            if key is not None:
                yield str(entry.get("key_identifier", "")), key


def _read_jwks(document: bytes, _rule: KeyRule) -> Iterator[tuple[str, PublicKey]]:
    from hookagent.providers.jwks import public_keys

    yield from public_keys(_json_document(document), KEYS_MAX)


READERS: dict[str, Callable[[bytes, KeyRule], Iterator[tuple[str, PublicKey]]]] = {
    "pem": _read_pem,
    "json": _read_json,
    "github": _read_github,
    "jwks": _read_jwks,
}
