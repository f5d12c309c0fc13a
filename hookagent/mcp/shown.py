"""What a coding agent is shown of events: masked, cut, and fenced as strangers' words."""

from typing import Any

import msgspec

from hookagent.actions.agents.fence import fenced, visible
from hookagent.config.model import Config
from hookagent.event import Event
from hookagent.eventfile import format_time
from hookagent.pipeline.documents import event_document
from hookagent.pipeline.history import decoded
from hookagent.redact import Redactor
from hookagent.store.base import EventRecord, EventSummary

BODY_BYTES = 4_096
BODY_BYTES_MAX = 64 * 1024
DOCUMENT_BYTES_MAX = 128 * 1024
TEXT_LENGTH_MAX = 300


class Shown:
    """Shows things of one project. `seed` is what nobody outside can guess."""

    def __init__(self, config: Config, seed: str) -> None:
        self._config = config
        self._seed = seed
        secrets = set(config.environment.secrets)
        secrets.update(secret for one in config.sources.values() for secret in one.secrets)
        self.redactor = Redactor(secrets)

    def fenced(self, value: Any, *, intro: str) -> str:
        """Write a value behind the fence, after a line of ours."""
        masked = self.redactor.value(value)
        return f"{intro}\n{fenced(masked, seed=self._seed, most=DOCUMENT_BYTES_MAX)}"

    def row(self, summary: EventSummary) -> dict[str, Any]:
        """Return one line of a list."""
        return {
            "id": summary.id,
            "source": summary.source,
            "type": _short(summary.type),
            "received_at": format_time(summary.received_at),
            "size": summary.size,
            "verdict": summary.code,
            "integrity": summary.integrity,
            "origin": summary.origin,
            "duplicates": summary.duplicates,
            "runs": summary.runs,
        }

    def event(self, record: EventRecord, most: int = BODY_BYTES) -> dict[str, Any]:
        """Return one event in full, its body decoded where it can be, at most so many bytes."""
        document = event_document(record, self._config)
        document.pop("body", None)
        document.pop("body_b64", None)
        return {**document, "body": self.body(record.event, most)}

    def body(self, event: Event, most: int = BODY_BYTES) -> Any:
        """Return an event's body masked: decoded where it fits, else the beginning of its text."""
        most = min(max(most, 0), BODY_BYTES_MAX)
        payload = decoded(event, self._config.sources).payload
        if payload is None:
            text = visible(event.request.body.decode("utf-8", "replace"))
        else:
            masked = self.redactor.value(payload)
            written = msgspec.json.encode(masked)
            if len(written) <= most:
                return masked
            text = written.decode()
        data = self.redactor.text(text).encode("utf-8", "replace")
        if len(data) <= most:
            return data.decode()
        return f"{data[:most].decode('utf-8', 'ignore')}… ({len(data) - most} bytes more)"


def _short(text: str) -> str:
    cleaned = visible(text)
    return cleaned if len(cleaned) <= TEXT_LENGTH_MAX else cleaned[:TEXT_LENGTH_MAX] + "…"
