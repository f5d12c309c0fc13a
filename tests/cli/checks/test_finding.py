"""Findings."""

from hookagent.cli.checks.finding import State, failed, good, warning


def test_a_finding_is_good_or_says_how_to_mend_it():
    assert good("a", "b").state is State.OK
    assert warning("a", "b", "c").hint == "c"
    assert failed("a", "b", "c").state is State.FAIL
