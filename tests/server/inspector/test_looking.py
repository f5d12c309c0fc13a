"""Adapter: why an event is genuine, why rules fired or did not, and where two differ."""

from tests.whole.shop import ORDER, SMALL


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


async def test_two_events_differ_by_path(agent):
    one, other = await agent.settled(ORDER), await agent.settled({**ORDER, "id": 9, "total": 251})

    _, shown = await agent.get(f"/api/diff?a={one}&b={other}")

    found = {d["path"]: (d["before"], d["after"], d["volatile"]) for d in shown["differences"]}
    assert found == {"id": ("1", "9", True), "total": ("250", "251", False)}
