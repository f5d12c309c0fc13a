"""`[telemetry]`: whether traces and metrics are sent to an OpenTelemetry collector."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookagent.config.reader import Reader

INCOMING = ("link", "continue", "ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What is told to a collector."""

    enabled: bool | None = None
    """None: where the environment names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`)."""
    traces: bool = True
    metrics: bool = True
    endpoint: str | None = None
    """The collector's base URL; None: `OTEL_EXPORTER_OTLP_ENDPOINT`, else localhost:4318."""
    service_name: str | None = None
    """None: `OTEL_SERVICE_NAME`, else `hookagent`."""
    incoming: str = "link"
    """What becomes of a genuine delivery's `traceparent`: `link`, `continue` or `ignore`."""


def read_telemetry(reader: "Reader") -> Telemetry:
    """Read `[telemetry]`."""
    table, usual = reader.table, Telemetry()
    telemetry = Telemetry(
        enabled=table.boolean("enabled", default=False) if "enabled" in table else None,
        traces=table.boolean("traces", default=usual.traces),
        metrics=table.boolean("metrics", default=usual.metrics),
        endpoint=reader.url("endpoint", "http", "https"),
        service_name=reader.text("service_name"),
        incoming=table.choice("incoming", usual.incoming, INCOMING),
    )
    table.finish()
    return telemetry
