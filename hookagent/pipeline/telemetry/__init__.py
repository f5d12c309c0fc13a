"""OpenTelemetry: one trace from a delivery to the last try of its last run, and metrics.

    context   which trace and span something has: a function of ids that are stored anyway
    spans     a thin shim over the SDK: a span is written when it is over, under the id it was due
    meters    the numbers, by the semantic conventions
    tracing   what the front door, the worker and the runs tell; None where it is off
    setup     makes the SDK's parts from `[telemetry]` and `OTEL_*`

Nothing of the SDK is imported where no telemetry is wanted.
"""

from collections.abc import Awaitable, Callable

from hookagent.config.model import Config
from hookagent.pipeline.feed import Feed

ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)
"""Any of these names a collector, by OpenTelemetry's specification."""


def is_wanted(config: Config) -> bool:
    """Whether anything is to be told, by the configuration or OpenTelemetry's own variables."""
    variable = config.environment.get
    if variable("OTEL_SDK_DISABLED").lower() == "true":
        return False
    if config.telemetry.enabled is not None:
        return config.telemetry.enabled
    return any(variable(name) for name in ENDPOINTS)


def begin(config: Config, feed: Feed, clock: Callable[[], int]) -> Callable[[], Awaitable[None]]:
    """Begin to tell a collector where one is wanted; returns what ends it.

    Raises OutsideError where the extra `otel` is not installed.
    """
    if not is_wanted(config):
        return _nothing
    from hookagent.pipeline.telemetry.setup import start

    return start(config, feed, clock).close


async def _nothing() -> None:
    """End nothing."""
