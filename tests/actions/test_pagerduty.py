"""Adapter: Events API v2 in the shape it documents."""

import json

import pytest
from aiohttp import web

from hookagent.actions.registry import bind
from hookagent.environment import Environment
from hookagent.errors import ConfigError
from hookagent.job import Again, Never
from tests.actions.conftest import act


async def test_an_alert_is_triggered_and_named_by_the_steps_key(outside, echo):
    options = {
        "api": echo.url,
        "routing_key": "${TOKEN}",
        "summary": "{{ host }} is down",
        "severity": "critical",
        "details": {"load": "{{ load }}"},
        "link": "https://a.test/{{ host }}",
    }
    await act("pagerduty", options, outside, {"host": "db1", "load": 9.5})

    assert json.loads(echo.seen[0][1]) == {
        "routing_key": "s3cr3t-t0ken",
        "event_action": "trigger",
        "dedup_key": "run_1-0",
        "payload": {
            "summary": "db1 is down",
            "source": "shop",
            "severity": "critical",
            "custom_details": {"load": 9.5},
        },
        "links": [{"href": "https://a.test/db1", "text": "Open"}],
    }


async def test_an_alert_is_resolved_by_its_name(outside, echo):
    options = {"api": echo.url, "routing_key": "k" * 8, "do": "resolve", "dedup_key": "d-{{ h }}"}

    await act("pagerduty", options, outside, {"h": "db1"})

    assert json.loads(echo.seen[0][1]) == {
        "routing_key": "k" * 8,
        "event_action": "resolve",
        "dedup_key": "d-db1",
    }


@pytest.mark.parametrize(("status", "kind"), [(400, Never), (429, Again), (500, Again)])
async def test_its_errors_are_sorted(outside, serve, status, kind):
    async def answer(_request):
        return web.json_response({"status": "x", "message": "y"}, status=status)

    options = {"api": await serve(answer), "routing_key": "k" * 8, "summary": "x"}

    assert isinstance(await act("pagerduty", options, outside), kind)


@pytest.mark.parametrize(
    "options", [{"routing_key": "k"}, {"routing_key": "k", "do": "acknowledge", "summary": "x"}]
)
def test_what_each_deed_needs_is_told(options):
    with pytest.raises(ConfigError, match="is needed"):
        bind("pagerduty", options, Environment({}))


def test_the_routing_key_is_masked_in_a_dry_run():
    from tests.actions.conftest import scope_of

    step = bind(
        "pagerduty", {"routing_key": "${K}", "summary": "x"}, Environment({"K": "r0ut1ng-key"})
    )

    assert "r0ut1ng" not in str(step.describe(step.prepare(scope_of())))
