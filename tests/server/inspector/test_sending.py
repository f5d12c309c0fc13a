"""Adapter: replays and crafted requests enter by the front door, and go nowhere else."""

import json
from collections.abc import Mapping

import msgspec
from aiohttp import web

from tests.server.inspector.conftest import running
from tests.whole.served import SECRET
from tests.whole.shop import ORDER, RULES


async def test_a_replay_is_signed_afresh_and_linked_to_its_original(agent):
    original = await agent.settled(ORDER)

    status, sent = await agent.do(f"/api/events/{original}/replay")

    assert (status, sent["status"]) == (200, 200)
    _, copy = await agent.get(f"/api/events/{sent['event']}")
    assert (copy["origin"], copy["parent"]) == ("replay", original)
    _, again = await agent.get(f"/api/events/{original}")
    assert again["replays"] == [sent["event"]]


async def test_an_edited_replay_carries_the_edit_and_the_real_secret_headers(agent):
    original = (await agent.post(ORDER, Authorization="Bearer very-secret"))["id"]
    _, shown = await agent.get(f"/api/events/{original}")
    headers = [*shown["headers"], ["X-Added", "yes"]]

    body = json.dumps({**ORDER, "total": 1})
    _, sent = await agent.do(f"/api/events/{original}/replay", {"body": body, "headers": headers})

    record = await agent.store.event(sent["event"])
    assert json.loads(record.event.request.body)["total"] == 1
    assert record.event.request.headers.text("x-added") == "yes"
    assert record.event.request.headers.text("authorization") == "Bearer very-secret"


async def test_without_signing_an_edit_is_refused_at_the_door(agent):
    original = (await agent.post(ORDER))["id"]

    _, sent = await agent.do(f"/api/events/{original}/replay", {"body": "{}", "sign": False})

    assert sent["status"] == 403
    assert sent["event"] is None


async def test_what_has_no_source_is_sent_as_it_came_and_that_is_said(agent):
    original = await agent.store.event(await agent.settled(ORDER))
    stray = msgspec.structs.replace(
        original.event, id="evt_018c00000000000000000001", source="elsewhere", key=b"stray"
    )
    await agent.store.accept(stray)

    _, sent = await agent.do(f"/api/events/{stray.id}/replay")
    _, unsigned = await agent.do(f"/api/events/{stray.id}/replay", {"sign": False})

    assert sent["status"] == 200
    assert "no source `elsewhere`" in sent["note"]
    assert "note" not in unsigned


async def test_only_the_listener_and_what_rules_forward_to_are_targets(tmp_path):
    received: list[object] = []
    headers: list[Mapping[str, str]] = []

    async def take(request):
        received.append(await request.json())
        headers.append(request.headers)
        return web.Response(status=202)

    application = web.Application()
    application.router.add_post("/hook", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    rules = (
        RULES
        + f"""
[rule.pass-on]
on = "other/never"
[[rule.pass-on.do]]
action = "forward"
url = "http://127.0.0.1:{port}/hook"
"""
    )
    async with running(tmp_path, rules=rules) as agent:
        original = (await agent.post(ORDER, Authorization="Bearer very-secret"))["id"]
        _, listed = await agent.get("/api/targets")
        name = listed["targets"][1]
        _, sent = await agent.do(f"/api/events/{original}/replay", {"to": name})
        refused, _ = await agent.do(
            f"/api/events/{original}/replay", {"to": f"http://127.0.0.1:{port}/hook"}
        )
    await runner.cleanup()

    assert listed["targets"][0] == "listener"
    assert sent["status"] == 202
    assert received == [ORDER]
    assert "X-Shop-Signature" in headers[0]
    assert "Authorization" not in headers[0]
    assert refused == 404


async def test_header_edits_cannot_smuggle(agent):
    original = (await agent.post(ORDER))["id"]
    for bad in (["A", "x\r\nB: y"], ["", "x"], ["A:", "x"], ["A\n", "x"]):
        status, _ = await agent.do(f"/api/events/{original}/replay", {"headers": [bad]})
        assert status == 422


async def test_a_crafted_event_is_genuine_and_its_secret_stays_here(agent):
    status, made = await agent.do(
        "/api/sources/shop/craft", {"body": '{"id":77,"type":"order.paid"}', "send": True}
    )

    assert (status, made["sent"]["status"]) == (200, 200)
    record = await agent.store.event(made["sent"]["event"])
    assert record.event.verdict.valid
    assert record.event.type == "order.paid"
    assert SECRET not in json.dumps(made)


async def test_what_is_asked_for_must_have_the_right_form(agent):
    original = (await agent.post(ORDER))["id"]
    wrong: object
    for wrong in ({"url": "http://evil.test"}, {"sign": "yes"}, [], {"body_b64": "!"}):
        status, _ = await agent.do(f"/api/events/{original}/replay", wrong)
        assert status == 422
    assert (await agent.do("/api/sources/none/craft", {}))[0] == 404


async def test_a_provider_has_samples_to_send(tmp_path):
    more = """
[sources.gh]
path = "/hooks/gh"
scheme = "github"
secret = "vK3mQ9xLr7TzB4nW8cJfD2hG"
"""
    async with running(tmp_path, more=more) as agent:
        _, listed = await agent.get("/api/sources/gh/samples")
        _, one = await agent.get("/api/sources/gh/samples?type=push")
        _, made = await agent.do("/api/sources/gh/craft", {"type": "push", "send": True})

        body = json.dumps({**json.loads(one["body"]), "ref": "refs/heads/mended"})
        _, edited = await agent.do(
            "/api/sources/gh/craft", {"type": "push", "body": body, "send": True}
        )
        record = await agent.store.event(edited["sent"]["event"])

    assert (record.event.type, record.event.request.body.decode()) == ("push", body)
    assert "push" in listed["types"]
    assert "ref" in json.loads(one["body"])
    assert made["sent"]["status"] == 200
