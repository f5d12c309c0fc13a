"""One trace from a delivery to its last try, on a real agent, read from the SDK's own exporter."""

import asyncio
import json
import time
from itertools import pairwise

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

import aiohttp
from aiohttp import web
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, StatusCode

from hookagent.config.load import load
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.telemetry.context import parse
from hookagent.pipeline.telemetry.meters import Meters
from hookagent.pipeline.telemetry.spans import Due, Spans
from hookagent.pipeline.telemetry.tracing import Tracing
from hookagent.runtime import Agent, Choices
from tests.patience import PATIENCE_S
from tests.whole.served import SECRET, signature, write_project

RULES = """
[rule.tell]
on = "shop/*"
[[rule.tell.do]]
action = "log"
text = "order {{ id }}"
[[rule.tell.do]]
action = "http"
url = "http://127.0.0.1:PORT/orders"
json = { id = "{{ id }}" }
allow_local = true
retry = { attempts = 3, first_delay = "20ms" }
[rule.chain]
on = "shop/chained"
[[rule.chain.do]]
action = "emit"
source = "ours"
type = "next"
payload = { id = 1 }
[rule.after]
on = "ours/next"
[[rule.after.do]]
action = "log"
text = "after"
[rule.broken]
on = "shop/broken"
[[rule.broken.do]]
action = "log"
text = "{{ not.there }} SECRET"
"""
INCOMING = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def context_of(traceparent):
    context = parse((traceparent or "").encode())
    assert context is not None
    return context


class Target:
    """Fails as often as it is told, and keeps what it was sent."""

    def __init__(self) -> None:
        self.failures = 0
        self.came: list[str | None] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.came.append(request.headers.get("traceparent"))
        self.failures -= 1
        return web.Response(status=503 if self.failures >= 0 else 200)


@pytest.fixture
async def target():
    found = Target()
    application = web.Application()
    application.router.add_post("/orders", found.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


class Traced:
    """An agent whose spans and metrics stay in memory."""

    def __init__(self, folder, target, *, incoming="link", sampler=ALWAYS_ON) -> None:
        write_project(folder, rules=RULES.replace("PORT", str(target.port)))
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        due = Due()
        provider = TracerProvider(
            id_generator=due, sampler=ParentBased(sampler), shutdown_on_exit=False
        )
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.feed = Feed()
        self.feed.tracing = Tracing(
            Spans(provider, due),
            Meters(self.meters),
            incoming=incoming,
            mask=lambda text: text.replace("SECRET", "***"),
            now_ns=time.time_ns,
        )
        config = load(folder / "hookagent.toml", environ={"HOOKAGENT_TRUST": "all"}, cwd=folder)
        choices = Choices(watch_rules=False, with_inspector=False)
        self.agent = Agent(config, self.feed, choices)

    async def __aenter__(self):
        await self.agent.start()
        return self

    async def __aexit__(self, *_):
        await self.agent.stop()
        self.meters.shutdown()

    async def send(self, payload, headers=None, *, secret=SECRET):
        body = json.dumps(payload).encode()
        fields = {"X-Shop-Signature": signature(body, secret), **(headers or {})}
        url = f"{self.agent.listener_url}/hooks/shop?token=in-the-query"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=fields) as answer,
        ):
            return await answer.json()

    async def spans(self, *last):
        """Wait until there are spans of these names; return all by name."""
        async with asyncio.timeout(PATIENCE_S):
            while not {span.name for span in self.exporter.get_finished_spans()}.issuperset(last):  # noqa: ASYNC110 - the exporter tells nobody
                await asyncio.sleep(0.01)
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def metrics(self):
        data = self.reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: metric.data.data_points
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


async def test_one_trace_leads_from_the_delivery_to_the_last_try(tmp_path, target):
    target.failures = 1
    async with Traced(tmp_path, target) as traced:
        answer = await traced.send({"id": 1, "type": "order"})
        spans = await traced.spans("run tell")

    found = traced.exporter.get_finished_spans()
    assert {span.context.trace_id for span in found} == {spans["run tell"].context.trace_id}
    step = next(name for name in spans if name.startswith("step http"))
    chain = ["POST /hooks/shop", "process shop", "run tell", step, "try http"]
    for above, below in pairwise(chain):
        assert spans[below].parent.span_id == spans[above].context.span_id, (above, below)
    root = spans["POST /hooks/shop"]
    assert root.parent is None
    assert spans["send shop"].parent.span_id == root.context.span_id
    assert [spans[name].kind for name in (*chain[:2], "send shop", "try http")] == [
        SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.PRODUCER, SpanKind.CLIENT,
    ]  # fmt: skip
    tries = [span for span in found if span.name == "try http"]
    assert [span.status.status_code for span in tries] == [StatusCode.ERROR, StatusCode.UNSET]
    assert [span.attributes["hookagent.attempt"] for span in tries] == [1, 2]
    assert root.attributes["messaging.message.id"] == answer["id"]
    assert root.attributes["http.response.status_code"] == 200
    assert spans["process shop"].attributes["hookagent.rules"] == ("tell",)
    assert spans["process shop"].attributes["messaging.destination.name"] == "shop"
    assert all(span.end_time >= span.start_time for span in found)


async def test_each_outgoing_request_carries_the_context_of_its_try(tmp_path, target):
    target.failures = 1
    async with Traced(tmp_path, target) as traced:
        await traced.send({"id": 1, "type": "order"}, {"traceparent": INCOMING})
        await traced.spans("run tell")

    tries = [span for span in traced.exporter.get_finished_spans() if span.name == "try http"]
    contexts = [context_of(value) for value in target.came]
    assert [(one.trace_id, one.span_id) for one in contexts] == [
        (span.context.trace_id, span.context.span_id) for span in tries
    ]
    assert len(contexts) == 2


@pytest.mark.parametrize(
    ("incoming", "is_parent", "links"),
    [("link", False, 1), ("continue", True, 0), ("ignore", False, 0)],
)
async def test_an_incoming_trace_is_linked_continued_or_ignored(
    tmp_path, target, incoming, is_parent, links
):
    async with Traced(tmp_path, target, incoming=incoming) as traced:
        await traced.send({"id": 1, "type": "order"}, {"traceparent": INCOMING})
        spans = await traced.spans("run tell")

    came = context_of(INCOMING)
    root = spans["POST /hooks/shop"]
    assert (root.context.trace_id == came.trace_id) is is_parent
    assert (root.parent is not None and root.parent.span_id == came.span_id) is is_parent
    assert len(root.links) == links
    assert len({span.context.trace_id for span in spans.values()}) == 1


async def test_an_event_of_our_own_goes_on_with_the_trace_of_the_try_that_emitted_it(
    tmp_path, target
):
    async with Traced(tmp_path, target, incoming="ignore") as traced:
        await traced.send({"id": 1, "type": "chained"})
        spans = await traced.spans("run after", "try emit")

    assert len({span.context.trace_id for span in spans.values()}) == 1
    assert spans["process ours"].parent.span_id == spans["try emit"].context.span_id


async def test_nothing_is_written_of_a_trace_that_is_not_sampled(tmp_path, target):
    async with Traced(tmp_path, target, sampler=ALWAYS_OFF, incoming="continue") as traced:
        await traced.send({"id": 1, "type": "order"})
        await traced.send({"id": 2, "type": "order"}, {"traceparent": INCOMING})
        spans = await traced.spans("run tell")

    assert {span.context.trace_id for span in spans.values()} == {context_of(INCOMING).trace_id}
    assert sorted(value[-2:] for value in target.came) == ["00", "01"]


async def test_refusals_duplicates_and_failures_are_told_and_secrets_are_not(tmp_path, target):
    async with Traced(tmp_path, target) as traced:
        first = await traced.send({"id": 1, "type": "broken"})
        again = await traced.send({"id": 1, "type": "broken"})
        await traced.send({"id": 2}, {"traceparent": INCOMING}, secret="wrong-wrong-wrong-wrong")
        spans = await traced.spans("run broken")
        await traced.spans("run tell")

    assert first["id"] == again["id"]
    found = traced.exporter.get_finished_spans()
    accepted, duplicate, refused = [span for span in found if span.kind is SpanKind.SERVER]
    assert refused.attributes["error.type"] == "wrong-signature"
    assert refused.attributes["http.response.status_code"] == 403
    assert (
        refused.status.status_code is StatusCode.UNSET
    )  # what a stranger does is no fault of ours
    assert duplicate.links[0].context.trace_id == accepted.context.trace_id
    assert spans["run broken"].status.status_code is StatusCode.ERROR
    assert "not.there" in spans["run broken"].status.description
    text = " ".join(span.to_json() for span in found)
    assert "SECRET" not in text
    assert "in-the-query" not in text


async def test_the_numbers_have_the_conventions_names_and_bounded_attributes(tmp_path, target):
    async with Traced(tmp_path, target) as traced:
        for number in range(3):
            await traced.send({"id": number, "type": f"strange-{number}"})
        await traced.send({"id": 9}, secret="wrong-wrong-wrong-wrong")
        async with asyncio.timeout(PATIENCE_S):
            while sum(span.name == "run tell" for span in traced.exporter.get_finished_spans()) < 3:  # noqa: ASYNC110 - the exporter tells nobody
                await asyncio.sleep(0.01)
        found = traced.metrics()

    assert set(found) == {
        "http.server.request.duration", "http.server.request.body.size",
        "messaging.client.sent.messages", "messaging.client.consumed.messages",
        "messaging.process.duration", "hookagent.action.duration",
    }  # fmt: skip
    requests = {
        one.attributes["http.response.status_code"]: one
        for one in found["http.server.request.duration"]
    }
    assert {status: one.count for status, one in requests.items()} == {200: 3, 403: 1}
    assert requests[403].attributes["error.type"] == "wrong-signature"
    assert requests[200].attributes["http.route"] == "/hooks/shop"
    assert found["messaging.client.sent.messages"][0].value == 3
    assert found["messaging.client.consumed.messages"][0].value == 3
    assert found["messaging.process.duration"][0].count == 3
    words = json.dumps([dict(one.attributes) for points in found.values() for one in points])
    assert "strange" not in words
