"""Adapter: every form of export, masked, and bodies as downloads that nothing runs."""

import json
import subprocess
import sys

from tests.whole.shop import ORDER


async def test_every_form_is_written_and_masked(agent):
    event_id = (await agent.post(ORDER, Authorization="Bearer very-secret"))["id"]

    texts = {}
    for form in ("curl", "httpie", "python", "replay", "json", "har", "pytest"):
        status, answer = await agent.get(f"/api/events/{event_id}/export/{form}")
        assert status == 200
        texts[form] = answer["text"]

    assert texts["replay"] == f"hookagent replay {event_id}"
    assert json.loads(texts["har"])["log"]["entries"][0]["comment"] == event_id
    assert json.loads(texts["json"])["id"] == event_id
    assert not [form for form, text in texts.items() if "very-secret" in text]
    compile(texts["python"], "script", "exec")
    compile(texts["pytest"], "test", "exec")


async def test_the_exported_script_sends_the_same_bytes(agent):
    event_id = (await agent.post(ORDER))["id"]
    _, answer = await agent.get(f"/api/events/{event_id}/export/python")

    import asyncio

    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", answer["text"]], capture_output=True, check=False
    )

    assert json.loads(done.stdout.split(b" ", 1)[1]) == {"status": "duplicate", "id": event_id}


async def test_a_download_is_an_attachment_in_a_sandbox(agent):
    event_id = (await agent.post(ORDER))["id"]

    for path in (f"/api/events/{event_id}/body", f"/api/events/{event_id}/export/har?download=1"):
        async with agent.http.get(agent.base + path, headers=agent.bearer) as answer:
            assert answer.headers["Content-Type"] == "application/octet-stream"
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert answer.headers["Content-Security-Policy"].startswith("sandbox")


async def test_an_unknown_form_is_named(agent):
    event_id = (await agent.post(ORDER))["id"]

    status, answer = await agent.get(f"/api/events/{event_id}/export/culr")

    assert status == 404
    assert answer["hint"] == "did you mean `curl`?"
