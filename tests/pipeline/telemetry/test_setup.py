"""Whether, where to and with what: `[telemetry]` and OpenTelemetry's own variables."""

import sys

import pytest

from hookagent.config.load import load
from hookagent.errors import OutsideError
from hookagent.pipeline import telemetry
from hookagent.pipeline.feed import Feed
from hookagent.pipeline.telemetry import setup
from tests.whole.served import write_project

COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.test:4318/"}


def config_of(folder, lines="", environ=None):
    write_project(folder, more=f"[telemetry]\n{lines}\n" if lines else "")
    return load(folder / "hookagent.toml", environ=environ or {}, cwd=folder)


@pytest.mark.parametrize(
    ("lines", "environ", "wanted"),
    [
        ("", {}, False),
        ("", COLLECTOR, True),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a.test/v1/traces"}, True),
        ("enabled = true", {}, True),
        ("enabled = false", COLLECTOR, False),
        ("enabled = true", COLLECTOR | {"OTEL_SDK_DISABLED": "true"}, False),
        ("", {"OTEL_SERVICE_NAME": "orders"}, False),
    ],
)
def test_it_is_on_where_somebody_says_so(tmp_path, lines, environ, wanted):
    assert telemetry.is_wanted(config_of(tmp_path, lines, environ)) is wanted


@pytest.mark.parametrize(
    ("lines", "environ", "traces", "metrics"),
    [
        ("", {}, "http://localhost:4318/v1/traces", "http://localhost:4318/v1/metrics"),
        ("", COLLECTOR, "http://collector.test:4318/v1/traces", "http://collector.test:4318/v1/metrics"),
        (
            "", COLLECTOR | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t.test/x"},
            "http://t.test/x", "http://collector.test:4318/v1/metrics",
        ),
        (
            "endpoint = 'https://ours.test'", COLLECTOR,
            "https://ours.test/v1/traces", "https://ours.test/v1/metrics",
        ),
    ],
)  # fmt: skip
def test_where_it_goes(tmp_path, lines, environ, traces, metrics):
    config = config_of(tmp_path, lines, environ)
    assert setup._endpoint(config, "traces") == traces
    assert setup._endpoint(config, "metrics") == metrics


def test_one_of_both_can_be_left_out(tmp_path):
    config = config_of(tmp_path, "metrics = false", {"OTEL_TRACES_EXPORTER": "none"})
    assert not setup._is_on("traces", config)
    assert not setup._is_on("metrics", config)
    assert setup._is_on("traces", config_of(tmp_path / "b"))


def test_headers_may_be_in_the_dotenv(tmp_path):
    pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")
    write_project(tmp_path)
    (tmp_path / ".env").write_text("OTEL_EXPORTER_OTLP_HEADERS='authorization=Basic%20abc,x=1'\n")
    config = load(tmp_path / "hookagent.toml", environ={}, cwd=tmp_path)
    assert setup._headers(config, "traces") == {"authorization": "Basic abc", "x": "1"}


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("hookagent.pipeline.telemetry.")]:
        if name.rpartition(".")[2] in {"meters", "spans", "tracing"}:
            monkeypatch.delitem(sys.modules, name)
    for name in ("opentelemetry.metrics", "opentelemetry.trace", "opentelemetry.context"):
        monkeypatch.setitem(sys.modules, name, None)
    config = config_of(tmp_path, "enabled = true")

    with pytest.raises(OutsideError) as refused:
        telemetry.begin(config, Feed(), lambda: 0)

    assert "hookagent[otel]" in (refused.value.hint or "")


async def test_where_it_is_off_nothing_is_begun(tmp_path):
    feed = Feed()
    end = telemetry.begin(config_of(tmp_path), feed, lambda: 0)
    assert feed.tracing is None
    await end()
