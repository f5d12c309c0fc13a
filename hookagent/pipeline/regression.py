"""Captured webhooks as a pytest module that sends them, signed anew, to the application under test.

Secrets are masked in headers and payload; since the test signs when it runs, with a secret for
tests, what was masked still verifies. Everything a stranger wrote is written as Python literals.
"""

import base64
import re
import tomllib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from hookagent import payload
from hookagent.event import RawRequest
from hookagent.eventfile import Captured, format_time
from hookagent.pipeline.exports import CONNECTION
from hookagent.redact import MASK, Redactor
from hookagent.verdict import Integrity

if TYPE_CHECKING:
    from hookagent.config.model import Config, Source

HEAD = '''"""Webhooks that once arrived, for the application under test; secrets were masked.

They are signed when the tests run. A fixture `webhook_app` in conftest.py says which application
they go to and configures it with the secret for tests, which is not the real one: see "Testing" in
hookagent's documentation.
"""

{secrets}
{imports}from hookagent.testing import make_webhook
'''
WEBHOOK = """
{constant} = make_webhook(
    {scheme},
    body={body},
    headers={headers},
    method={method},
    path={path},
    settings={settings},
)
\"\"\"Arrived {arrived}{id}.\"\"\"
"""
TAKEN = """

def test_{name}_is_taken(webhooks):
    answer = webhooks.send({constant})

    assert answer.is_taken, answer.text
"""
REFUSED = """

def test_{name}_is_refused_when_it_was_changed(webhooks):
    assert webhooks.send({constant}, damage="tampered").is_refused
"""
LINE = 80
"""Characters of a body in one line of the module."""


def to_pytest(captures: Sequence[Captured], config: "Config") -> str:
    """Write captures as one pytest module."""
    secrets = set(config.environment.secrets)
    secrets.update(secret for one in config.sources.values() for secret in one.secrets)
    writer = _Writer(config, Redactor(secrets))
    parts = [writer.webhook(captured) for captured in captures]
    imports = "import base64\n\n" if writer.needs_base64 else ""
    webhooks = "".join(webhook for webhook, _ in parts)
    notes = "".join(
        f"# The application's secret: webhook_secret({one})\n" for one in writer.schemes
    )
    head = HEAD.format(imports=imports, secrets=notes)
    return head + webhooks + "".join(tests for _, tests in parts)


class _Writer:
    """Writes one module."""

    def __init__(self, config: "Config", redactor: Redactor) -> None:
        self._config = config
        self._redactor = redactor
        self._names: set[str] = set()
        self.needs_base64 = False
        self.schemes: dict[str, None] = {}
        """What `webhook_secret` is to be called with, each once."""

    def webhook(self, captured: Captured) -> tuple[str, str]:
        """Return a capture as a constant and its tests."""
        source = self._config.sources.get(captured.source)
        scheme, settings = self._scheme(captured, source)
        asked = "".join(f", {key}={value!a}" for key, value in settings.items())
        self.schemes[ascii(scheme) + asked] = None
        request = captured.request
        name = self._name(captured)
        constant = name.upper()
        when = format_time(request.received_at) if request.received_at else "once"
        webhook = WEBHOOK.format(
            constant=constant,
            scheme=ascii(scheme),
            body=self._body(request),
            headers=self._headers(request, source),
            method=ascii(request.method),
            path=ascii(self._redactor.text(request.target)),
            settings=ascii(settings),
            arrived=when,
            id=f" as {captured.id}" if re.fullmatch(r"[a-z]{3}_[0-9a-f]+", captured.id) else "",
        )
        tests = TAKEN.format(name=name, constant=constant)
        if source is not None and source.scheme.integrity is Integrity.BODY:
            tests += REFUSED.format(name=name, constant=constant)
        return webhook, tests

    def _name(self, captured: Captured) -> str:
        """Return a name no other test of the module has."""
        words = re.sub(r"\W+", "_", f"{captured.source} {captured.type}".lower(), flags=re.ASCII)
        base = words.strip("_") or "webhook"
        base = base if base[0].isalpha() else f"webhook_{base}"
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name)
        return name

    def _scheme(self, captured: Captured, source: "Source | None") -> tuple[Any, dict[str, str]]:
        """Return the scheme as `make_webhook` takes it: a name or a table, and its settings."""
        if source is None:
            from hookagent.providers.detect import likely_schemes

            likely = likely_schemes(captured.request, 1)
            return (likely[0].name if likely and not likely[0].settings else "none"), {}
        written = self._written(source)
        scheme = written.get("scheme", "none")
        if isinstance(scheme, dict):
            return scheme, {}
        names = (*source.scheme.settings, *_asked(scheme))
        given = {**written, **source.settings}
        settings = {name: self._redactor.text(str(given[name])) for name in names if name in given}
        return scheme, settings

    def _written(self, source: "Source") -> dict[str, Any]:
        """Return the source's table as it stands in the configuration."""
        file = self._config.file
        try:
            found = tomllib.loads(file.read_text("utf-8")) if file else {}
            table = found["sources"][source.name]
        except (OSError, ValueError, KeyError, TypeError):
            return {"scheme": source.scheme.name}
        return table if isinstance(table, dict) else {}

    def _headers(self, request: RawRequest, source: "Source | None") -> str:
        """Write the headers that are neither the connection's nor signed anew nor secret."""
        made = {"x-hookagent-replay", *CONNECTION}
        if source is not None:
            places = [source.scheme.place, *_timestamp(source)]
            made |= {name.lower() for place in places for name in place.names}
        lines = []
        for name, value in request.headers.items():
            shown = self._redactor.field(name, value)
            is_masked = MASK in shown or "signature" in name.lower()
            if name.lower() not in made and not is_masked:
                lines.append(f"        ({name!a}, {shown!a}),\n")
        return "[\n" + "".join(lines) + "    ]" if lines else "[]"

    def _body(self, request: RawRequest) -> str:
        """Write the body: its very bytes, unless something in it had to be masked."""
        text = self._masked(request)
        if text is None:
            self.needs_base64 = True
            return f"base64.b64decode({base64.b64encode(request.body).decode('ascii')!r})"
        lines = [
            line[start : start + LINE]
            for line in text.splitlines(keepends=True)
            for start in range(0, len(line), LINE)
        ]
        if len(lines) <= 1:
            return ascii(text)
        return "(\n" + "".join(f"        {line!a}\n" for line in lines) + "    )"

    def _masked(self, request: RawRequest) -> str | None:
        """Return the body as text without secrets; None where it is no text."""
        try:
            text = request.body.decode("utf-8")
        except UnicodeDecodeError:
            return None
        read = payload.read(request.body, request.headers.text("content-type") or "")
        if not isinstance(read, payload.Parsed) or text[:1] not in {"{", "["}:
            return self._redactor.text(text)
        masked = self._redactor.value(read.value)
        if masked == read.value:
            return text
        return msgspec.json.format(msgspec.json.encode(masked), indent=2).decode()


def _timestamp(source: "Source") -> list[Any]:
    stamp = source.scheme.timestamp
    return [stamp.place] if stamp is not None and stamp.place.kind == "header" else []


def _asked(scheme: str) -> tuple[str, ...]:
    """Return the keys a scheme of the catalogue asks its source for."""
    from hookagent.errors import NotFound
    from hookagent.providers import catalog

    try:
        return tuple(catalog.provider_of(scheme).asks)
    except NotFound:
        return ()
