"""Makes OpenTelemetry's providers and exporters from `[telemetry]` and `OTEL_*` variables."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from hookagent.config.model import Config
from hookagent.errors import OutsideError
from hookagent.pipeline.feed import Feed, Trouble
from hookagent.redact import Redactor

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
USUAL_ENDPOINT = "http://localhost:4318"
TIMEOUT_S = 5.0
"""For one export, and for the last one when the agent stops."""
QUIET_S = 600.0
"""A collector that stays away is told of this often."""


def _endpoint_variable(signal: str) -> str:
    return f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"


class Telemetry:
    """What was begun, to be ended with the agent."""

    def __init__(
        self,
        tracer_provider: "TracerProvider | None",
        meter_provider: "MeterProvider | None",
        outage: "Outage",
    ) -> None:
        self._tracer_provider = tracer_provider
        self._meter_provider = meter_provider
        self._outage = outage

    async def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(self._shut_down), TIMEOUT_S)
        self._outage.mute()

    def _shut_down(self) -> None:
        if self._tracer_provider is not None:
            self._tracer_provider.shutdown()
        if self._meter_provider is not None:
            self._meter_provider.shutdown(timeout_millis=TIMEOUT_S * 1_000)


class Outage(logging.Handler):
    """Turns what the exporter logs into one line of trouble, and not again for a while."""

    def __init__(self, feed: Feed, clock: Callable[[], int], endpoint: str) -> None:
        super().__init__(logging.WARNING)
        self._loop = asyncio.get_running_loop()
        self._feed = feed
        self._clock = clock
        self._endpoint = endpoint
        self._told_at = 0.0
        self._is_over = False
        logger = logging.getLogger("opentelemetry")
        logger.propagate = False
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if self._is_over or (self._told_at and now - self._told_at < QUIET_S):
            return
        self._told_at = now
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._tell, record.getMessage().partition("\n")[0])

    def _tell(self, message: str) -> None:
        self._feed.publish(
            Trouble(
                at=self._clock(),
                part="telemetry",
                message=f"traces and metrics do not arrive at {self._endpoint}: {message[:200]}",
                hint="events are not concerned; `[telemetry] enabled = false` ends this",
            )
        )

    def mute(self) -> None:
        """Say nothing more; what the SDK's threads log while the process ends is not shown."""
        self._is_over = True


def start(config: Config, feed: Feed, clock: Callable[[], int]) -> Telemetry:
    """Begin; the feed's `tracing` is set. Raises OutsideError where the extra is not installed."""
    try:
        from hookagent.pipeline.telemetry.meters import Meters
        from hookagent.pipeline.telemetry.spans import Due, Spans
        from hookagent.pipeline.telemetry.tracing import Tracing
    except ImportError:
        raise OutsideError(
            "telemetry needs a package that is not installed",
            hint="pip install 'hookagent[otel]', or: [telemetry] enabled = false",
        ) from None
    due = Due()
    resource = _resource(config)
    traced = _trace(config, resource, due) if _is_on("traces", config) else None
    metered = _meter(config, resource) if _is_on("metrics", config) else None
    secrets = set(config.environment.secrets)
    secrets.update(secret for one in config.sources.values() for secret in one.secrets)
    feed.tracing = Tracing(
        Spans(traced, due) if traced is not None else None,
        Meters(metered) if metered is not None else None,
        incoming=config.telemetry.incoming,
        mask=Redactor(secrets).text,
        now_ns=time.time_ns,
    )
    return Telemetry(traced, metered, Outage(feed, clock, _endpoint(config, "traces")))


def _is_on(signal: str, config: Config) -> bool:
    exporter = config.environment.get(f"OTEL_{signal.upper()}_EXPORTER")
    wanted = config.telemetry.traces if signal == "traces" else config.telemetry.metrics
    return wanted and exporter != "none"


def _resource(config: Config) -> "Resource":
    from opentelemetry.sdk.resources import Resource

    from hookagent.version import hookagent_version

    variable = config.environment.get
    name = config.telemetry.service_name or variable("OTEL_SERVICE_NAME") or "hookagent"
    return Resource.create({"service.name": name, "service.version": hookagent_version()})


def _trace(config: Config, resource: "Resource", due: object) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from hookagent.pipeline.telemetry.spans import Due

    assert isinstance(due, Due)
    provider = TracerProvider(resource=resource, id_generator=due, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(
        endpoint=_endpoint(config, "traces"), headers=_headers(config, "traces"), timeout=TIMEOUT_S
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _meter(config: Config, resource: "Resource") -> "MeterProvider":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    exporter = OTLPMetricExporter(
        endpoint=_endpoint(config, "metrics"),
        headers=_headers(config, "metrics"),
        timeout=TIMEOUT_S,
    )
    reader = PeriodicExportingMetricReader(exporter)
    return MeterProvider([reader], resource=resource, shutdown_on_exit=False)


def _endpoint(config: Config, signal: str) -> str:
    """Return where one signal goes, as the exporter's specification says."""
    variable = config.environment.get
    own = variable(_endpoint_variable(signal))
    if own and not config.telemetry.endpoint:
        return own
    base = config.telemetry.endpoint or variable(ENDPOINT) or USUAL_ENDPOINT
    return f"{base.rstrip('/')}/v1/{signal}"


def _headers(config: Config, signal: str) -> Mapping[str, str]:
    """Return the headers of `OTEL_EXPORTER_OTLP_HEADERS`, which may be in `.env` as well."""
    from opentelemetry.util.re import parse_env_headers

    variable = config.environment.get
    found: dict[str, str] = {}
    for name in ("OTEL_EXPORTER_OTLP_HEADERS", f"OTEL_EXPORTER_OTLP_{signal.upper()}_HEADERS"):
        found |= parse_env_headers(variable(name), liberal=True)
    return found
