"""docs/monitoring: the dashboard and the alert rules ask for metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from hookagent.config.load import load
from hookagent.server.metrics import Metrics
from hookagent.store.registry import open_store
from tests.whole.served import write_project

MONITORING = Path(__file__).parents[2] / "docs" / "monitoring"
NAME = re.compile(r"hookagent_[a-z_]+")


@pytest.fixture
def known(tmp_path):
    project = write_project(tmp_path / "p")
    config = load(project / "hookagent.toml", environ={}, cwd=project)
    metrics = Metrics(config, open_store("sqlite:///unopened.db", tmp_path), lambda: 0)
    found = set()
    for family in metrics.registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        found |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    return found


PROMISED = {
    "hookagent_events_received_total", "hookagent_events_rejected_total",
    "hookagent_event_processing_seconds_bucket", "hookagent_rule_matches_total",
    "hookagent_action_attempts_total", "hookagent_action_duration_seconds_bucket",
    "hookagent_retry_queue_size", "hookagent_oldest_pending_seconds",
    "hookagent_dead_letters_total", "hookagent_duplicates_total", "hookagent_tunnel_up",
    "hookagent_tunnel_reconnects_total", "hookagent_signature_clock_skew_seconds",
    "hookagent_expectation_overdue", "hookagent_last_event_timestamp_seconds",
    "hookagent_build_info",
}  # fmt: skip
"""What people's own dashboards rely on: a name is never changed."""


def test_every_promised_metric_is_there_and_every_metric_is_documented(known):
    page = (MONITORING.parent / "inspector.md").read_text("utf-8")

    assert known >= PROMISED
    bare = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known}
    assert bare - set(NAME.findall(page)) == set()


def test_the_dashboard_asks_for_metrics_that_exist(known):
    board = json.loads((MONITORING / "grafana.json").read_text("utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]

    assert {name for text in asked for name in NAME.findall(text)} <= known
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_alert_rules_ask_for_metrics_that_exist(known):
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text("utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]

    assert {name for rule in alerts for name in NAME.findall(rule["expr"])} <= known
    assert all(rule["annotations"]["summary"] for rule in alerts)
    tested = yaml.safe_load((MONITORING / "alerts.test.yml").read_text("utf-8"))
    named = {case["alertname"] for test in tested["tests"] for case in test["alert_rule_test"]}
    assert named <= {rule["alert"] for rule in alerts}


def test_promtool_agrees():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]):
        done = subprocess.run(
            [promtool, *command], cwd=MONITORING, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
