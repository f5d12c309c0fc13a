"""The numbers for a collector, by OpenTelemetry's semantic conventions for HTTP and messaging.

Attributes are names of the configuration and codes of ours, never a stranger's words, so that the
number of series is bounded.
"""

from collections.abc import Sequence

from opentelemetry.metrics import Histogram, MeterProvider

from hookagent.version import hookagent_version

SYSTEM = "webhook"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Boundaries the HTTP conventions advise."""
LONG = (*SECONDS, 30, 60, 300, 1_800, 3_600, 21_600, 86_400)
SIZES = (0, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216)
TOKENS = (1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576)

Attributes = dict[str, str | int]


class Meters:
    """Every instrument."""

    def __init__(self, provider: MeterProvider) -> None:
        meter = provider.get_meter("hookagent", hookagent_version())

        def histogram(name: str, unit: str, about: str, bounds: Sequence[float]) -> Histogram:
            return meter.create_histogram(
                name, unit, about, explicit_bucket_boundaries_advisory=bounds
            )

        self.requests = histogram(
            "http.server.request.duration", "s", "From a request's arrival to its answer.", SECONDS
        )
        self.sizes = histogram(
            "http.server.request.body.size", "By", "Size of requests' bodies.", SIZES
        )
        self.sent = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Events that were stored."
        )
        self.consumed = meter.create_counter(
            "messaging.client.consumed.messages", "{message}", "Events whose rules were matched."
        )
        self.processed = histogram(
            "messaging.process.duration", "s", "From an event's arrival to the end of a run.", LONG
        )
        self.tries = histogram("hookagent.action.duration", "s", "One try of a step.", SECONDS)
        self.asked = histogram(
            "gen_ai.client.operation.duration", "s", "One conversation with a model.", SECONDS
        )
        self.tokens = histogram(
            "gen_ai.client.token.usage", "{token}", "Tokens of a conversation with a model.", TOKENS
        )
