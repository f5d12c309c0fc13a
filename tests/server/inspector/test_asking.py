"""Pure: queries are read strictly."""

import pytest

from hookagent.errors import UsageError
from hookagent.server.inspector.asking import event_filter, moment, page_size

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("2h", NOW - 7_200_000),
        ("1500000000000", 1_500_000_000_000),
        ("2026-01-31T12:00:00Z", 1_769_860_800_000),
    ],
)
def test_a_moment_is_ago_or_a_time(text, expected):
    assert moment({"since": text}, "since", NOW) == expected


def test_a_filter_takes_everything_the_store_knows():
    query = {"source": "s", "type": "t.*", "status": "dead", "rule": "r", "origin": "replay",
             "parent": "evt_1", "text": "x", "before": "9", "limit": "7"}  # fmt: skip

    found = event_filter(query, NOW)

    assert (found.source, found.type, found.status, found.rule) == ("s", "t.*", "dead", "r")
    assert (found.origin, found.parent, found.text, found.before, found.limit) == (
        "replay", "evt_1", "x", 9, 7,
    )  # fmt: skip


@pytest.mark.parametrize("limit", ["0", "501", "-1", "ten", "1e3"])
def test_a_page_has_a_bound(limit):
    with pytest.raises(UsageError):
        page_size({"limit": limit})
