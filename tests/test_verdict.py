"""Pure: what a stranger is told depends on whether anything was sent to check."""

import pytest

from hookagent.verdict import Code, Verdict


@pytest.mark.parametrize(
    "code", [Code.MISSING, Code.MISSING_TIMESTAMP, Code.MISSING_PART, Code.WRONG_TOKEN]
)
def test_nothing_to_check_or_a_wrong_token_is_401(code):
    assert Verdict(valid=False, scheme="s", code=code).status == 401


@pytest.mark.parametrize(
    "code", [Code.MISMATCH, Code.STALE, Code.AHEAD, Code.DOUBLED, Code.MALFORMED, Code.ADDRESS]
)
def test_something_wrong_is_403(code):
    assert Verdict(valid=False, scheme="s", code=code).status == 403
