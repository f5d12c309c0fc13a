"""By what conditions can be looked up."""

import pytest

from hookagent.rules.index.access import Kind, addresses, covers
from hookagent.rules.index.look import Slots
from tests.rules.index.small import rules


def test_an_address_in_ipv6_clothes_is_read_as_ipv4():
    assert addresses(" ::ffff:192.0.2.1 ") == addresses("192.0.2.1")
    assert addresses(frozenset({"x", 5})) == []


@pytest.mark.parametrize(
    ("op", "argument", "kind", "exact"),
    [
        ("glob", "release/*", Kind.START, True),
        ("glob", "*.md", Kind.END, True),
        ("glob", "*x*", Kind.HOLDS, True),
        ("glob", "main", Kind.EQUAL, True),
        ("glob", "a*b", Kind.START, False),
        ("word", "refund", Kind.HOLDS, False),
        ("null", True, Kind.EQUAL, True),
        ("gt", 5, Kind.RANGE, False),
    ],
)
def test_an_operator_is_looked_up_by(op, argument, kind, exact):
    cover = covers(rules(("a", op, argument)).rules[0].when[0], Slots())[0]
    assert cover.accesses[0].wants[0][0] is kind
    assert cover.is_exact is exact


@pytest.mark.parametrize(("op", "argument"), [("exists", False), ("null", False), ("glob", "*")])
def test_what_is_not_there_cannot_be_looked_up(op, argument):
    assert covers(rules(("a", op, argument)).rules[0].when[0], Slots()) == ()
