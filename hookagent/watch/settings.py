"""The thresholds of the built-in watches: what `[watch]` may change."""

from dataclasses import dataclass

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a built-in watch speaks."""

    sensitivity: float = 5.0
    """Spreads from the median at which a rate is unusual."""
    errors: float = 0.5
    """The part of ten minutes' deliveries or runs that may fail."""
    errors_least: int = 10
    """Failures in ten minutes below which nothing is said."""
    signatures: int = 5
    """Failed verifications in a row."""
    skew_ms: int = 60_000
    """How far the senders' clocks may be ahead of ours."""
    queue_ms: int = MINUTE_MS
    """How long a stored event may wait to be matched."""
    disk_free: int = 512 * 1024 * 1024
    """Bytes that must be left where the store is."""
    tunnel_down_ms: int = 2 * MINUTE_MS
    """How long the tunnel may be away; a reconnect takes seconds."""
    expires_ms: int = 14 * 24 * 60 * MINUTE_MS
    """How long before its end a certificate or token is told of."""
    remind_ms: int = 0
    """How often an open alert is said again; 0 for never."""
