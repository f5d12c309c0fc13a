"""Pure: which words of a verdict mean refused deliveries."""

import pytest

from hookagent.errors import UsageError
from hookagent.pipeline.refusals import REASONS, REFUSED, VERDICTS, means_refused
from hookagent.verdict import Code, Integrity


def test_every_code_and_coverage_is_a_word_and_of_one_kind():
    assert {*Code, *Integrity} <= {*VERDICTS, *REASONS}
    assert not set(VERDICTS) & set(REASONS)
    assert all(means_refused(word) for word in (REFUSED, *REASONS))
    assert not any(means_refused(word) for word in ("", *VERDICTS))


def test_an_unknown_word_is_said_with_the_nearest():
    with pytest.raises(UsageError) as caught:
        means_refused("wrong-signatur")
    assert caught.value.hint == "did you mean `wrong-signature`?"
    with pytest.raises(UsageError) as caught:
        means_refused("blue")
    assert "body-signed" in (caught.value.hint or "")
