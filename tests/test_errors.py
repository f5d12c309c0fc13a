"""Pure: errors say what, where and what to do, and each kind ends with its own exit code."""

import errno
import socket

from hookagent.errors import (
    AnswerNo,
    ConfigError,
    ExitCode,
    NotFound,
    OutsideError,
    Problem,
    Severity,
    UsageError,
    did_you_mean,
    reason_of,
)


def test_each_kind_of_error_has_its_exit_code():
    codes = {
        kind: kind.exit_code for kind in (AnswerNo, UsageError, ConfigError, NotFound, OutsideError)
    }

    assert list(codes.values()) == [1, 2, 3, 4, 5]
    assert (ExitCode.BUG, ExitCode.INTERRUPTED) == (70, 130)


def test_a_problem_reads_as_a_compiler_would_say_it():
    problem = Problem(
        code="unknown-key",
        message="unknown key `prot`",
        file="a.toml",
        line=3,
        column=1,
        hint="did you mean `port`?",
    )

    assert (
        str(problem)
        == "a.toml:3:1: error: unknown key `prot` [unknown-key]\n  hint: did you mean `port`?"
    )
    assert str(Problem(code="c", message="m", severity=Severity.WARNING)) == "warning: m [c]"


def test_a_config_error_carries_every_problem():
    error = ConfigError([Problem(code="a", message="one"), Problem(code="b", message="two")])

    assert len(error.problems) == 2
    assert "one" in str(error)
    assert "two" in str(error)


def test_a_name_that_is_not_there_gets_the_nearest_or_a_short_list_or_nothing():
    assert NotFound.among("scheme", "strpe", ["stripe", "github"]).hint == "did you mean `stripe`?"
    assert did_you_mean("zzz", ["a", "b"]) == "known: `a`, `b`"
    assert did_you_mean("zzz", [f"name-{n}" for n in range(40)]) is None


def test_a_reason_is_the_systems_own_words():
    class OfALibrary(Exception):
        os_error = ConnectionRefusedError(errno.ECONNREFUSED, "[Errno 111] Connect call failed")

    assert reason_of(OfALibrary()) == "connection refused"
    assert reason_of(TimeoutError()) == "no answer in time"
    assert (
        reason_of(socket.gaierror(-2, "Name or service not known")) == "Name or service not known"
    )
    assert reason_of(ValueError("no URL")) == "no URL"
    assert reason_of(ValueError()) == "ValueError"
