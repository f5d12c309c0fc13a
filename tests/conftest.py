"""What every test may use: `--long`, and one tuning of hypothesis for shared machines."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,  # a shared machine is slow at times; that is not a failure
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("landing", parent=settings.get_profile("default"), derandomize=True)
settings.register_profile("long", parent=settings.get_profile("default"), max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# What is ignored stays ignored in all that tests start: a shell that puts them in the background
# does so with Ctrl-C, `nohup` with the terminal's end, and some runners with the ends of children.
for number, usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGCHLD, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the long form of tests."""
    parser.addoption("--long", action="store_true", help="run the long form of tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long tests out unless they are asked for."""
    if config.getoption("--long"):
        for item in items:
            item.add_marker(pytest.mark.timeout(0))
        return
    skip = pytest.mark.skip(reason="the long form runs with --long")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)
