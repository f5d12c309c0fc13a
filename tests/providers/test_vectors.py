"""Published and SDK-derived vectors: what others computed, we accept and refuse as they do.

One file per provider in `tests/vectors/`; each line names its source. `now` is Unix seconds; without
it the clock is left out. `origin`: `literal` (published as it stands), `derived` (signed by the
provider's own package or by a few lines written from its documentation, `source` says which),
`mutated` (one of those with one thing broken).
"""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from hookagent.errors import ConfigError
from hookagent.event import Headers, RawRequest
from hookagent.providers import catalog
from hookagent.providers.handshake import Handshakes
from hookagent.providers.scheme import Scheme
from hookagent.providers.verify import Verifier
from hookagent.verdict import Verdict

PROVIDERS_LEAST = 100
FOLDER = Path(__file__).parent.parent / "vectors"
VECTORS = [
    json.loads(line)
    for file in sorted(FOLDER.glob("*.jsonl"))
    for line in file.read_text("utf-8").splitlines()
]
SIGNED = [vector for vector in VECTORS if vector.get("kind") != "handshake"]
HANDSHAKES = [vector for vector in VECTORS if vector.get("kind") == "handshake"]


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["id"])


def request_of(vector: dict[str, Any]) -> RawRequest:
    parts = urlsplit(vector["url"])
    body = vector.get("body", "").encode()
    return RawRequest(
        method=vector["method"],
        target=parts.path + (f"?{parts.query}" if parts.query else ""),
        base_url=f"{parts.scheme}://{parts.netloc}",
        headers=Headers.of([(name, value) for name, value in vector["headers"]]),
        body=base64.b64decode(vector["body_b64"]) if "body_b64" in vector else body,
    )


def scheme_of(vector: dict[str, Any]) -> Scheme:
    """Return the vector's scheme; those of RFC 9421's appendix do not cover the body."""
    name = vector["scheme"]
    provider = catalog.provider_of(name)
    scheme = provider.variants[name].scheme or provider.scheme_with({"header": "X-Token"}, name)
    if scheme.message is None or provider.name != "rfc9421":
        return scheme
    label = vector["settings"]["label"]
    rules = msgspec.structs.replace(scheme.message, covers_body=False, components=(), label=label)
    return msgspec.structs.replace(scheme, message=rules)


def verdict_of(vector: dict[str, Any]) -> Verdict:
    verifier = Verifier(
        scheme_of(vector),
        vector.get("secrets", []),
        settings=vector.get("settings", {}),
        public_keys=vector.get("public_keys", []),
        tolerance_ms=None if "now" in vector else 0,
    )
    return verifier.verify(request_of(vector), int(vector.get("now", 1_700_000_000) * 1000))


@pytest.mark.parametrize("vector", SIGNED, ids=name_of)
def test_a_vector_is_judged_as_its_source_says(vector: dict[str, Any]) -> None:
    if vector.get("refused_secret"):
        with pytest.raises(ConfigError):
            verdict_of(vector)
        return
    verdict = verdict_of(vector)
    assert verdict.valid is vector["valid"], f"{vector['why']}: {verdict.detail}"
    assert verdict.valid or verdict.code == vector["code"]


@pytest.mark.parametrize("vector", HANDSHAKES, ids=name_of)
def test_a_handshake_is_answered_as_the_provider_expects(vector: dict[str, Any]) -> None:
    scheme = scheme_of(vector)
    provider = catalog.provider_of(vector["scheme"])
    settings = {"topic": "https://example.com/feed"} | vector.get("settings", {})
    if vector["scheme"] == "discord":
        vector = vector | {"public_keys": [settings["public_key"]]}
    handshakes = Handshakes(
        provider.handshakes,
        scheme,
        secrets=vector.get("secrets", []),
        settings=settings,
        base_url="https://example.com",
        is_armed=lambda: True,
    )
    answer = handshakes.answer(request_of(vector), verdict_of(vector))
    expected = vector["answer"]
    assert answer is not None
    assert answer.status == expected["status"]
    if "body" in expected:
        assert answer.body.decode() == expected["body"]
    if "json" in expected:
        assert json.loads(answer.body) == expected["json"]
    if "content_type" in expected:
        assert answer.content_type == expected["content_type"]
    assert set(expected.get("headers", {}).items()) <= set(answer.headers)


def test_a_hundred_providers_have_valid_and_invalid_vectors() -> None:
    judged = {valid: providers_with(valid=valid) for valid in (True, False)}
    assert len(judged[True] & judged[False]) >= PROVIDERS_LEAST


def providers_with(*, valid: bool) -> set[str]:
    """Return the providers that have a vector of this verdict."""
    return {one["scheme"].partition("/")[0] for one in SIGNED if one["valid"] is valid}


def test_every_vector_names_its_source_and_reason() -> None:
    for vector in VECTORS:
        assert vector["source"]
        assert vector["why"]
        assert vector["origin"] in {"literal", "derived", "mutated"}
    assert len({name_of(vector) for vector in VECTORS}) == len(VECTORS)
