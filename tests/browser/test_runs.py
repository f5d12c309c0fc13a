"""Whole: runs that need a person: held over a kill, dead, tried again all at once."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.conftest import MORE, Site
from tests.patience import wait_until
from tests.whole.served import Served, write_project

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect

RULES = """
[rule.deploy]
on = "shop/deploy"
[[rule.deploy.do]]
action = "exec"
command = ["sh", "-c", "test -e begun && exit 0; touch begun; exec sleep 20"]
on_interrupt = "hold"

[rule.fails]
on = "shop/fails"
[[rule.fails.do]]
action = "exec"
command = ["sh", "-c", "echo x >> tries; exit 1"]
retry = { attempts = 1 }

[rule.asks]
on = "shop/asks"
[[rule.asks.do]]
action = "agent"
name = "sort"
url = "http://127.0.0.1:%d/v1"
model = "small"
prompt = "Sort this."
approve = "always"
[[rule.asks.do]]
action = "log"
text = "{{ steps.sort.output.text }}"

[rule.off]
on = "shop/*"
enabled = false
[[rule.off.do]]
action = "log"
text = "x"
"""


class Model(BaseHTTPRequestHandler):
    """Answers every question alike."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "it is a bug"}
        answer = json.dumps({"choices": [{"finish_reason": "stop", "message": message}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def model():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory, model):
    """Kill an agent in the middle of a step that must not be repeated, and start it again."""
    folder = tmp_path_factory.mktemp("held")
    write_project(folder, rules=RULES % model, more=MORE)
    first = Served(folder)
    try:
        first.post({"id": 1, "type": "deploy"})
        wait_until((folder / "begun").exists)
        first.kill()
    finally:
        first.close()
    served = Served(folder, "--inspector")
    try:
        served.wait_for("ran", rule="deploy", state="dead")
        yield Site(served)
    finally:
        served.close()


def test_a_held_run_is_released(opened):
    page = opened("#/runs")
    run = page.locator(".run:has-text('deploy')")
    expect(run).to_contain_text("on hold: the process ended while the step was running")
    expect(run).to_contain_text("Look first whether it took effect")
    run.locator("a").click()
    expect(page.locator(".detail h2")).to_contain_text("deploy")

    page.click("button:text-is('Release')")

    expect(page.locator(".run h3 .state")).to_contain_text("done")


def test_all_dead_runs_are_retried_or_set_aside_after_a_question(site, opened):
    events = [site.settled({"id": 10 + number, "type": "fails"}) for number in range(3)]
    page = opened("#/runs")
    runs = page.locator(".run:has-text('fails')")
    expect(runs).to_have_count(3)

    page.click("button:text-is('Retry all')")
    page.click("button:has-text('Run 3 runs again, with real actions?')")
    wait_until(lambda: (site.served.folder / "tries").read_text() == 6 * "x\n")
    wait_until(lambda: all(site.is_settled(event) for event in events))
    expect(runs).to_have_count(3)
    page.click("button:text-is('Discard all')")
    expect(page.locator("button:has-text('Set 3 runs aside for good?')")).to_be_visible()
    page.locator("nav a").first.focus()
    expect(page.locator("button:text-is('Discard all')")).to_be_visible()
    page.click("button:text-is('Discard all')")
    page.click("button:has-text('Set 3 runs aside for good?')")

    expect(page.locator(".page")).to_contain_text("Nothing is dead")


def test_a_models_question_is_answered_where_it_is_asked(site, opened):
    event_id = site.settled({"id": 30, "type": "asks"})
    page = opened("#/runs")
    run = page.locator("section:has(> h2:text-is('A person is asked')) .run")
    expect(run).to_contain_text("waits for a person")
    expect(run.locator("pre").first).to_contain_text("it is a bug")

    run.locator("button:text-is('Yes, do it')").click()

    page.goto(f"{site.base}/#/events?id={event_id}&tab=Runs")
    expect(page.locator(".run h3 .state")).to_contain_text("done")


def test_a_rule_that_fits_and_did_not_fire_says_why(site, opened):
    event_id = site.settled({"id": 20, "type": "fits"})
    page = opened(f"#/events?id={event_id}&tab=Rules")

    off = page.locator(".rule:has-text('off')")
    expect(off).to_contain_text("fits, but did not fire: it is disabled")
    expect(off.locator("summary")).not_to_have_class(re.compile("good"))
