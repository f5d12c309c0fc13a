"""A whole agent in this process, with its listener and inspector on free ports."""

import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from hookagent.config.load import load
from hookagent.pipeline.feed import Feed
from hookagent.runtime import Agent, Choices
from tests.whole.served import signature, write_project
from tests.whole.shop import RULES


class Running:
    """An agent, and what a test says to it."""

    def __init__(self, agent: Agent, http: aiohttp.ClientSession) -> None:
        self.agent = agent
        self.http = http
        url = urlsplit(agent.inspector_url or "")
        self.port = url.port
        self.base = f"http://127.0.0.1:{url.port}"
        self.token = url.query.partition("=")[2]
        self.bearer = {"Authorization": f"Bearer {self.token}"}

    @property
    def store(self):
        worker = self.agent._worker
        assert worker is not None
        return worker._store

    async def post(self, payload: object, **headers: str) -> dict[str, Any]:
        """Deliver a signed payload to the listener."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        fields = {
            "X-Shop-Signature": signature(body),
            "Content-Type": "application/json",
            **headers,
        }
        url = f"{self.agent.listener_url}/hooks/shop"
        async with self.http.post(url, data=body, headers=fields) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def settled(self, payload: object) -> str:
        """Deliver, wait until its runs are final, and return the event's id."""
        subscription = self.agent.feed.subscribe()
        event_id: str = (await self.post(payload))["id"]
        await self.until_final(event_id, subscription)
        return event_id

    async def until_final(self, event_id: str, subscription) -> None:
        """Wait until an event is routed and each of its runs has stopped."""
        try:
            while True:
                record = await self.store.event(event_id)
                if record.summary.state == "routed" and not {"pending", "running"} & set(
                    record.summary.runs
                ):
                    return
                await subscription.batch()
        finally:
            self.agent.feed.unsubscribe(subscription)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Ask the interface."""
        async with self.http.get(self.base + path, headers={**self.bearer, **headers}) as answer:
            return answer.status, await answer.json()

    async def text(self, path: str) -> str:
        """Return an answer that is not JSON."""
        async with self.http.get(self.base + path, headers=self.bearer) as answer:
            return await answer.text()

    async def do(self, path: str, value: object = None, method: str = "POST") -> tuple[int, Any]:
        """Change something, as the page would."""
        headers = {**self.bearer, "X-Hookagent": "1", "Content-Type": "application/json"}
        data = json.dumps({} if value is None else value)
        async with self.http.request(
            method, self.base + path, data=data, headers=headers
        ) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def running(
    folder: Path, *, rules: str = RULES, more: str = "", inspector: str = "", server: str = ""
):
    """Run an agent for the time of the block."""
    write_project(folder, rules=rules, more=more, server=server)
    if inspector:
        file = folder / "hookagent.toml"
        file.write_text(
            file.read_text().replace("[inspector]\nport = 0", f"[inspector]\n{inspector}")
        )
    config = load(folder / "hookagent.toml", environ={}, cwd=folder)
    agent = Agent(config, Feed(), Choices(watch_rules=False))
    await agent.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Running(agent, http)
    finally:
        await agent.stop()


@pytest.fixture
async def agent(tmp_path):
    async with running(tmp_path) as found:
        yield found
