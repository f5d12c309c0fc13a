"""Providers' SDKs accept what we sign, we accept what they sign, and both refuse the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hookagent.event import RawRequest
from tests.oracles import node_sdks, pypi_money, pypi_services
from tests.oracles.bench import (
    NOT_INSTALLED,
    Oracle,
    accepted,
    changed,
    judged,
    signed_here,
    signed_there,
)

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "verification-oracles.md"
ORACLES = (*pypi_money.ORACLES, *pypi_services.ORACLES, *node_sdks.ORACLES)


@pytest.fixture(scope="module", autouse=True)
def _node_ends_with_the_tests() -> Iterator[None]:
    yield
    node_sdks.close()


def cases(*, signing: bool = False) -> list[object]:
    """Return every oracle with every payload; one that is not installed once, as skipped."""
    found: list[object] = []
    for oracle in ORACLES:
        if signing and oracle.signs is None:
            continue
        if not oracle.is_installed:
            mark = pytest.mark.skip(reason=NOT_INSTALLED)
            found.append(pytest.param(oracle, None, id=oracle.name, marks=mark))
            continue
        for name, request in oracle.payloads():
            found.append(pytest.param(oracle, request, id=f"{oracle.name}: {name}"))
    return found


@pytest.mark.parametrize(("oracle", "request_"), cases())
def test_the_sdk_accepts_what_hookagent_signs(oracle: Oracle, request_: RawRequest) -> None:
    assert oracle.accepts(signed_here(oracle, request_))


@pytest.mark.parametrize(("oracle", "request_"), cases(signing=True))
def test_hookagent_accepts_what_the_sdk_signs(oracle: Oracle, request_: RawRequest) -> None:
    delivery = signed_there(oracle, request_)
    verdict = judged(delivery)
    assert verdict.valid, f"{verdict.code}: {verdict.detail}"
    assert accepted(oracle, delivery)


@pytest.mark.parametrize(("oracle", "request_"), cases())
def test_both_refuse_one_changed_bit_and_another_secret(
    oracle: Oracle, request_: RawRequest
) -> None:
    for what, other in changed(oracle, request_):
        assert not judged(other).valid, what
        assert not accepted(oracle, other), what


def test_the_document_has_a_row_for_every_oracle() -> None:
    text = DOCUMENT.read_text("utf-8")
    for oracle in ORACLES:
        assert f"| `{oracle.scheme}` | {oracle.package} (" in text, oracle.name
