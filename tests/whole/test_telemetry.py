"""Whole: an agent that tells a collector, is killed in between, and goes on with the same trace."""

import http.server
import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.patience import wait_until
from tests.whole.served import WAIT_S, serving, signature, write_project

RULES = """
[rule.tell]
on = "shop/*"
[[rule.tell.do]]
action = "http"
method = "POST"
url = "http://127.0.0.1:PORT/orders"
allow_local = true
retry = { attempts = 100, first_delay = "50ms", max_delay = "1s" }
"""
INCOMING = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(http.server.ThreadingHTTPServer):
    """A fake OTLP collector, and the target of the rule."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: list[Any] = []
        self.metrics: set[str] = set()
        self.headers: set[str | None] = set()
        self.services: set[str] = set()
        self.orders: list[str] = []
        self.is_failing = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def take(self, path: str, headers, body: bytes) -> int:
        if path == "/orders":
            self.orders.append(headers.get("traceparent", ""))
            return 503 if self.is_failing else 200
        self.headers.add(headers.get("x-tenant"))
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                attributes = {
                    one.key: one.value.string_value for one in resource.resource.attributes
                }
                self.services.add(attributes["service.name"])
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        if path == "/v1/metrics":
            for found in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.metrics |= {one.name for scope in found.scope_metrics for one in scope.metrics}
        return 200


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        assert isinstance(self.server, Collector)
        self.send_response(self.server.take(self.path, self.headers, body))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector():
    with collecting() as found:
        yield found


@contextmanager
def collecting():
    server = Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_trace_goes_on_in_the_process_after_a_kill(tmp_path, collector):
    write_project(
        tmp_path,
        rules=RULES.replace("PORT", str(collector.server_address[1])),
        more="[worker]\nlease = '1s'\n[telemetry]\nincoming = 'continue'\n",
    )
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=ours",
        "OTEL_SERVICE_NAME": "orders",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    with serving(tmp_path, environ=environ) as served:
        body = json.dumps({"id": 1, "type": "order"}).encode()
        headers = {"X-Shop-Signature": signature(body), "traceparent": INCOMING}
        assert served.request("POST", "/hooks/shop", body, headers)[0] == 200
        wait_until(lambda: collector.orders and any("POST" in one.name for one in collector.spans))
        wait_until(lambda: any(one.name == "try http" for one in collector.spans))
        served.kill()
    tried = len(collector.orders)
    collector.is_failing = False
    with serving(tmp_path, environ=environ) as served:
        wait_until(lambda: len(collector.orders) > tried)
        served.wait_for("ran", state="done")
        assert served.stop() == 0

    names = {one.name for one in collector.spans}
    assert {"POST /hooks/shop", "send shop", "process shop", "run tell", "try http"} <= names
    traces = {one.trace_id.hex() for one in collector.spans}
    assert traces == {INCOMING.split("-")[1]}
    assert {one.split("-")[1] for one in collector.orders} == traces
    spans = {one.name: one for one in collector.spans}
    assert spans["POST /hooks/shop"].parent_span_id.hex() == INCOMING.split("-")[2]
    assert spans["run tell"].parent_span_id == spans["process shop"].span_id
    assert collector.orders[-1].split("-")[2] in {
        one.span_id.hex() for one in collector.spans if one.name == "try http"
    }
    assert collector.headers == {"ours"}
    assert collector.services == {"orders"}
    assert {"messaging.process.duration", "hookagent.action.duration"} <= collector.metrics


def test_a_collector_that_is_away_costs_one_line_and_no_event(tmp_path):
    write_project(tmp_path, more="[telemetry]\nendpoint = 'http://127.0.0.1:9'\nenabled = true\n")
    with serving(tmp_path, environ={"OTEL_BSP_SCHEDULE_DELAY": "20"}) as served:
        for number in range(5):
            assert served.post({"id": number, "type": "order"})[0] == 200
        trouble = served.wait_for("trouble", part="telemetry")
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < 30  # the exporter itself would go on trying for a minute
    assert "do not arrive at http://127.0.0.1:9/v1/traces" in trouble["message"]
    assert [one["event"] for one in served.seen].count("trouble") == 1
    assert served.stderr == ""


def test_without_telemetry_nothing_of_it_is_imported(tmp_path):
    code = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from hookagent.config.load import load\n"
        "from hookagent.pipeline.feed import Feed\n"
        "from hookagent.runtime import Agent, Choices\n"
        "async def main():\n"
        "    folder = Path(sys.argv[1])\n"
        "    config = load(folder / 'hookagent.toml', environ={}, cwd=folder)\n"
        "    agent = Agent(config, Feed(), Choices(with_inspector=False))\n"
        "    await agent.start()\n"
        "    await agent.stop()\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if 'opentelemetry' in name or 'pipeline.telemetry.' in name])\n"
    )
    write_project(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
