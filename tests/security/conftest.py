"""One agent for all tests of a module: they only knock at its door."""

import pytest

from tests.whole.served import serving, write_project


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Run an agent with the source `shop` and a rule that logs."""
    folder = tmp_path_factory.mktemp("shop")
    rules = (
        '[rule.acts]\n[[rule.acts.do]]\naction = "file"\npath = "acted.txt"\nline = "{{ id }}"\n'
    )
    project = write_project(folder, rules=rules, server="failures_per_minute = 1_000_000")
    with serving(project) as agent:
        yield agent
