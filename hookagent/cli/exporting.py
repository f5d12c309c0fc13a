"""Captures in the forms of `export` and `inspect --export`, secrets masked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookagent.cli import output
from hookagent.errors import UsageError

if TYPE_CHECKING:
    from hookagent.config.model import Config
    from hookagent.eventfile import Captured

FORMS = ("json", "har", "curl", "pytest")


def check_form(form: str) -> str:
    """Return the form if there is one. Raises UsageError."""
    if form not in FORMS:
        raise UsageError(f"unknown form `{form}`", hint="known: " + ", ".join(FORMS))
    return form


def write(captures: "Sequence[Captured]", form: str, config: "Config") -> None:
    """Write captures to stdout in a form."""
    from hookagent.pipeline import exports
    from hookagent.pipeline.masking import masked
    from hookagent.version import hookagent_version

    if form == "pytest":
        from hookagent.pipeline.regression import to_pytest

        output.data(to_pytest(captures, config).removesuffix("\n"))
        return
    safe = [masked(captured, config) for captured in captures]
    if form == "har":
        output.json_document(exports.to_har(safe, hookagent_version()))
        return
    for captured in safe:
        if form == "curl":
            output.data(exports.to_curl(captured.request, _url(captured, config)))
        else:
            output.data(exports.to_event_line(captured))


def _url(captured: "Captured", config: "Config") -> str:
    """Return the URL a copy should go to: the listener's."""
    from hookagent.pipeline.presence import listener_url

    server = config.server
    base = listener_url(config.state_folder, server.host, server.port)
    return f"{base}{captured.request.target}"
