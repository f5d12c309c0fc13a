"""A real browser on a real agent. Skipped where playwright or chromium is not there.

The fixtures live no longer than a module: playwright keeps an event loop in this thread, and other
modules' tests have their own.
"""

import http.client
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.whole.served import WAIT_S, Served, write_project
from tests.whole.shop import RULES

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
REFUSED = "the server responded with a status of 4"
"""Browsers complain of every 404 and 422, which the page shows to the reader."""
AXE = "axe-core@4.14.1"
MORE = """
[sources.github]
path = "/hooks/github"
scheme = "github"
secret = "vK3mQ9xLr7TzB4nW8cJfD2hG"
"""


@pytest.fixture(scope="module")
def browser():
    from playwright import sync_api

    sync_api.expect.set_options(timeout=WAIT_S * 1000)
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


class Site:
    """A running agent, as a browser and a provider see it."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.url = served.inspector
        self.base = "http://" + urlsplit(self.url).netloc

    def settled(self, payload: object) -> str:
        """Deliver an event and wait until its runs are final."""
        status, answer = self.served.post(payload)
        assert status == 200, answer
        deadline = time.monotonic() + WAIT_S
        while not self.is_settled(answer["id"]):
            assert time.monotonic() < deadline, self.served.seen
        return str(answer["id"])

    def is_settled(self, event_id: str) -> bool:
        """Ask the interface whether an event is routed and its runs have stopped."""
        connection = http.client.HTTPConnection(urlsplit(self.base).netloc, timeout=WAIT_S)
        try:
            token = self.url.partition("token=")[2]
            headers = {"Authorization": f"Bearer {token}"}
            connection.request("GET", f"/api/events/{event_id}", headers=headers)
            event = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        states = {run["state"] for run in event["runs"]}
        return event["state"] == "routed" and not states & {"pending", "running"}


def make_site(folder: Path) -> Served:
    write_project(folder, rules=RULES, more=MORE, server='public_url = "https://demo.example.test"')
    return Served(folder, "--inspector")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    served = make_site(tmp_path_factory.mktemp("site"))
    try:
        yield Site(served)
    finally:
        served.close()


class Watched:
    """What went wrong in a page, or left it."""

    def __init__(self, page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.dialogs: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._request)
        page.on("dialog", self._dialog)

    def _console(self, message) -> None:
        if message.type in {"error", "warning"} and REFUSED not in message.text:
            self.complaints.append(message.text)

    def _request(self, request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.strangers.append(request.url)

    def _dialog(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def opened(browser, site):
    """Return a function that opens the page, logged in; nothing may complain until the end."""
    contexts = []

    def open_page(place: str = "#/events", **options):
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        context = browser.new_context(**options)
        page = context.new_page()
        page.set_default_timeout(WAIT_S * 1000)
        contexts.append((context, Watched(page)))
        page.goto(site.url)
        page.goto(f"{site.base}/{place}")
        page.wait_for_selector("nav")
        return page

    yield open_page
    for context, watched in contexts:
        context.close()
        assert watched.complaints == []
        assert watched.strangers == []
        assert watched.dialogs == []


@pytest.fixture(scope="session")
def axe(tmp_path_factory) -> str:
    """Return axe-core's source: a file named by AXE_JS, else from npm; skipped without either."""
    named = os.environ.get("AXE_JS")
    if named:
        return Path(named).read_text()
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("axe-core is not there: no AXE_JS, no npm")
    folder = tmp_path_factory.mktemp("axe")
    try:
        subprocess.run(
            [npm, "pack", AXE, "--silent"], cwd=folder, check=True, capture_output=True, timeout=30
        )
    except (subprocess.SubprocessError, OSError):
        pytest.skip("axe-core is not there: npm cannot fetch it")
    (archive,) = folder.glob("*.tgz")
    shutil.unpack_archive(archive, folder, filter="data")
    return Path(folder / "package" / "axe.min.js").read_text()


def violations(page, axe: str) -> list[str]:
    """Return what axe finds wrong, one line for each rule."""
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {json.dumps([node['html'][:200] for node in one['nodes'][:3]])}"
        for one in found["violations"]
    ]
