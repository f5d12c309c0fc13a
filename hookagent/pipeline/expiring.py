"""What of ours ends some day: certificates of targets and of our public address, keys, tokens.

Targets' certificates are seen when they are called, so that nobody is asked for it. Only our own
public address is asked, once an hour. A certificate or token is never shown, only its name.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from hookagent.config.model import Config
from hookagent.watch.expiry import CERTIFICATE, TOKEN, Ends, token_end

EVERY_MS = 3_600_000
TIMEOUT_S = 5.0
HTTPS = 443
PUBLISHED_MS = 2 * 86_400_000
"""Providers change what they publish by themselves; only one that is late is worth a word."""
BEGIN = "-----BEGIN CERTIFICATE-----"
Probe = Callable[[str, int], Awaitable[int | None]]
"""Asks a host and port when its certificate ends, Unix milliseconds."""


async def certificate_end(host: str, port: int) -> int | None:
    """Ask a server for its certificate and return when it ends; None where there is no answer.

    The certificate is not verified: an unknown or an ended one is what we want to hear of.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    except (OSError, TimeoutError, ValueError):
        return None
    try:
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return _end(x509.load_der_x509_certificate(found))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                await writer.wait_closed()


def _end(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp() * 1000)


def certificates_end(text: str | bytes) -> int | None:
    """Return when the first of the certificates in a PEM text ends."""
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if BEGIN.encode() not in data:
        return None
    try:
        return min(map(_end, x509.load_pem_x509_certificates(data)), default=None)
    except (ValueError, UnsupportedAlgorithm):
        return None


class Expiring:
    """Everything of one agent whose end is known."""

    def __init__(
        self,
        config: Config,
        *,
        targets: Callable[[], Mapping[str, int]],
        public_url: Callable[[], str | None],
        published: Callable[[], Mapping[str, bytes]],
        probe: Probe = certificate_end,
    ) -> None:
        self._targets = targets
        self._public_url = public_url
        self._published = published
        self._probe = probe
        self._config = config
        self._public: Ends | None = None
        self._asked = ("", 0)
        self._asking: asyncio.Task[None] | None = None

    def known(self, now: int) -> list[Ends]:
        """Return every end that is known; asks for our public address in the background."""
        self._ask(now)
        found = [
            Ends(kind=CERTIFICATE, subject=host, at=end) for host, end in self._targets().items()
        ]
        for url, document in self._published().items():
            end = certificates_end(document)
            if end is not None:
                found.append(Ends(kind=CERTIFICATE, subject=url, at=end, within_ms=PUBLISHED_MS))
        if self._public is not None:
            found.append(self._public)
        return found + list(_configured(self._config))

    def _ask(self, now: int) -> None:
        url = self._public_url() or ""
        place = urlsplit(url)
        before, at = self._asked
        is_asking = self._asking is not None and not self._asking.done()
        if is_asking or (before == url and now - at < EVERY_MS):
            return
        self._asked = (url, now)
        if place.scheme == "https" and place.hostname:
            work = self._see(place.hostname, place.port or HTTPS)
            self._asking = asyncio.get_running_loop().create_task(work, name="certificate")

    async def _see(self, host: str, port: int) -> None:
        end = await self._probe(host, port)
        if end is not None:
            self._public = Ends(kind=CERTIFICATE, subject=host, at=end)

    async def close(self) -> None:
        """End what is under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)


def _configured(config: Config) -> Iterator[Ends]:
    """Find tokens and certificates in what the configuration was given."""
    named = {f"${{{name}}}": value for name, value in config.environment.used.items()}
    named |= {
        f"secret of {source.name}": secret
        for source in config.sources.values()
        for secret in source.secrets
        if secret not in named.values()
    }
    for name, value in named.items():
        for kind, end in ((TOKEN, token_end(value)), (CERTIFICATE, certificates_end(value))):
            if end is not None:
                yield Ends(kind=kind, subject=name, at=end)
