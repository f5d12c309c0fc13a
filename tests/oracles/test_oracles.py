"""Providers' SDKs accept what we sign, we accept what they sign, and both refuse the same."""

from collections.abc import Iterator

import pytest

from hookagent.event import RawRequest
from tests.oracles import node_sdks, python_sdks
from tests.oracles.bench import (
    NOT_INSTALLED,
    Oracle,
    accepted,
    changed,
    judged,
    signed_here,
    signed_there,
)

ORACLES = (*python_sdks.ORACLES, *node_sdks.ORACLES)


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
def test_both_refuse_one_changed_bit(oracle: Oracle, request_: RawRequest) -> None:
    delivery = signed_here(oracle, request_)
    for what, other in changed(delivery, with_body=oracle.covers_body):
        assert not judged(other).valid, what
        assert not accepted(oracle, other), what
