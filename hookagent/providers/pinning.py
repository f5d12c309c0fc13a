"""Addresses a request names are used only on the provider's own hosts, over https."""

from urllib.parse import urlsplit


def is_pinned(url: str, hosts: tuple[str, ...]) -> bool:
    """Whether an address is https, plain, on its usual port and on one of these hosts."""
    if not url.isascii() or not url.isprintable() or any(bad in url for bad in ' \\@"<>'):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" or port not in (None, 443) or not host:
        return False
    return any(_host_matches(host, allowed.lower()) for allowed in hosts)


def _host_matches(host: str, allowed: str) -> bool:
    """Compare a host with a pattern: a leading `*.` is any sub-domain, another `*` one label."""
    if allowed.startswith("*."):
        return host.endswith(allowed[1:]) and len(host) > len(allowed[1:])
    labels, patterns = host.split("."), allowed.split(".")
    return len(labels) == len(patterns) and all(
        pattern in (label, "*") and label for label, pattern in zip(labels, patterns, strict=True)
    )
