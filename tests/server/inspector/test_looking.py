"""Adapter: why an event is genuine, why rules fired or did not, and where two differ."""

import pytest

from hookagent.rules.model import Rule
from hookagent.rules.overtime import Throttle
from hookagent.server.inspector.looking import unfired
from tests.server.inspector.conftest import running
from tests.whole.shop import ORDER, RULES, SMALL

OFF = """
[rule.off]
enabled = false
[[rule.off.do]]
action = "log"
text = "x"
"""


async def test_the_verdict_names_the_scheme_and_never_the_secret(agent):
    event_id = (await agent.post(ORDER))["id"]

    _, shown = await agent.get(f"/api/events/{event_id}/verdict")

    assert shown["verdict"]["valid"] is True
    assert shown["diagnosis"]["cause"] == "genuine"
    assert shown["scheme"]["algorithm"] == "hmac-sha256"
    assert shown["scheme"]["signed"] == "{body}"
    assert shown["secrets"] == 1


async def test_a_rule_that_did_not_fire_says_which_condition_failed_with_the_value(agent):
    small = await agent.settled(SMALL)

    _, shown = await agent.get(f"/api/events/{small}/rules")

    assert shown["fired"] == []
    nearest = shown["rules"][0]
    assert (nearest["rule"], nearest["missed"]) == ("big", 1)
    failed = [one for one in nearest["when"] if not one["holds"]]
    assert [(one["path"], one["operator"], one["expected"], one["actual"]) for one in failed] == [
        ("total", "gt", 100, [50])
    ]


async def test_a_rule_that_fits_and_did_not_fire_says_why(tmp_path):
    async with running(tmp_path, rules=RULES + OFF) as agent:
        event_id = await agent.settled(ORDER)
        _, shown = await agent.get(f"/api/events/{event_id}/rules")

    assert shown["fired"] == ["big"]
    assert shown["unfired"] == {"off": "it is disabled"}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (Rule(name="x"), "stops"),
        (Rule(name="x", fallback=True), "stops"),
        (Rule(name="a", fallback=True), "fallback"),
        (Rule(name="a", throttle=Throttle(once_ms=1, by=())), "several events"),
        (Rule(name="a"), "was not there"),
    ],
)
def test_what_kept_a_fitting_rule_from_firing(rule, why):
    stop = Rule(name="stop", stop=True)
    rules = (rule, stop) if rule.name == "a" else (stop, rule)

    assert why in unfired(rule, rules, ["stop"])


async def test_two_events_differ_by_path(agent):
    one, other = await agent.settled(ORDER), await agent.settled({**ORDER, "id": 9, "total": 251})

    _, shown = await agent.get(f"/api/diff?a={one}&b={other}")

    found = {d["path"]: (d["before"], d["after"], d["volatile"]) for d in shown["differences"]}
    assert found == {"id": ("1", "9", True), "total": ("250", "251", False)}
