"""Pure: how a program's end is sorted, whatever it wrote."""

from hypothesis import given
from hypothesis import strategies as st

from hookagent.actions.child import Ended
from hookagent.actions.ending import LAST_LENGTH_MAX, output_of, sort_ended
from hookagent.job import Again, Done, Never
from tests.actions.conftest import call_of


@given(st.integers(-64, 255), st.binary(max_size=60), st.binary(max_size=600), st.booleans())
def test_any_end_is_an_outcome(code, stdout, stderr, timed_out):
    ended = Ended(exit_code=code, stdout=stdout, stderr=stderr, is_cut=False, timed_out=timed_out)

    outcome = sort_ended(ended, call_of())

    assert isinstance(outcome, Done) == (code == 0 and not timed_out)
    if isinstance(outcome, Again | Never):
        assert len(outcome.error) < LAST_LENGTH_MAX + 60


def test_output_that_was_cut_is_not_taken_for_json():
    ended = Ended(exit_code=0, stdout=b"[1]", stderr=b"", is_cut=True)

    assert output_of(ended) == {"exit_code": 0, "stdout": "[1]", "stderr": "", "is_cut": True}
