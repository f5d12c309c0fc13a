"""Every sample: its type and id stand where the catalogue says, and it can be signed."""

from typing import Any

import pytest

from hookagent.event import Headers, RawRequest
from hookagent.payload import Parsed, read, read_json
from hookagent.providers import catalog, sample
from hookagent.providers.provider import Provider
from hookagent.subject import Reference, request_values
from tests.providers.kit import BASE_URL, NOW, kit

PROVIDERS_LEAST = 60
BYTES_MOST = 4096
SAMPLES = [(name, event) for name in sample.providers() for event in sample.event_types(name)]


def delivery(provider: Provider, event_type: str) -> tuple[RawRequest, Any]:
    """Return a sample as a signed request, and its payload."""
    filled = sample.fill(sample.load(provider.name, event_type), now=NOW, entropy=1)
    request = RawRequest(
        target="/hooks" + (f"?{filled.query}" if filled.query else ""),
        headers=Headers.of(
            [
                ("Content-Type", filled.content_type),
                ("Host", "hooks.example.test"),
                *filled.headers,
            ],
        ),
        body=filled.body,
        base_url=BASE_URL,
    )
    signed = kit(provider.name).signed(request)
    payload = read(signed.body, filled.content_type)
    if not isinstance(payload, Parsed):
        payload = read_json(signed.body)
    assert isinstance(payload, Parsed)
    return signed, payload.value


def type_of(references: tuple[Reference, ...], request: RawRequest, payload: Any) -> str:
    """Join the values as the pipeline does."""
    found = [request_values(reference, request, payload) for reference in references]
    return ".".join(str(values[0]) for values in found if values)


def test_there_are_samples_of_many_providers() -> None:
    assert len(sample.providers()) >= PROVIDERS_LEAST
    assert set(sample.providers()) <= set(catalog.names())


@pytest.mark.parametrize(("name", "event"), SAMPLES)
def test_a_sample_is_of_the_type_it_is_named_after(name: str, event: str) -> None:
    provider = catalog.load(name)
    request, payload = delivery(provider, event)
    if provider.type:
        assert type_of(provider.type, request, payload) == event


@pytest.mark.parametrize("name", sample.providers())
def test_the_id_stands_where_the_catalogue_says(name: str) -> None:
    provider = catalog.load(name)
    deliveries = [delivery(provider, event) for event in sample.event_types(name)]
    assert any(
        all(request_values(reference, request, payload) for reference in provider.id)
        for request, payload in deliveries
    )


@pytest.mark.parametrize(("name", "event"), SAMPLES)
def test_a_sample_verifies_once_it_is_signed(name: str, event: str) -> None:
    provider = catalog.load(name)
    request, _ = delivery(provider, event)
    verdict = kit(name).verifier().verify(request, NOW)
    assert verdict.valid, f"{verdict.code}: {verdict.detail}"


@pytest.mark.parametrize(("name", "event"), SAMPLES)
def test_a_sample_is_small_and_leaves_no_placeholder(name: str, event: str) -> None:
    filled = sample.fill(sample.load(name, event), now=NOW, entropy=1)
    assert len(filled.body) <= BYTES_MOST
    assert b"{{" not in filled.body
    assert not any("{{" in value for _, value in filled.headers)
